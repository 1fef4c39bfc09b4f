//! Sandbox platforms, what they answer and what they were asked.

use serde_json::{Value, json};

use crate::platform::{Fault, Knobs, Options, Passport, Sandbox, Visitor};
use crate::support::World;
use crate::support::ports::CallbackPorts;

pub fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

/// One that grants device codes, and may be polled every second.
pub fn device_sandbox() -> Sandbox {
    let knobs =
        Knobs { device_grant: true, device_interval_seconds: 1, passport: Passport::V13, ..Knobs::default() };
    Sandbox::start(Options { knobs, ..Options::default() }).unwrap()
}

/// A login of ada's through the browser, whose token lasts that long, and longer once it is renewed.
pub fn renewable(seconds: i64, renewed: i64) -> (World, Sandbox) {
    let (world, sandbox) = (World::new(), sandbox());
    sandbox.knobs(|knobs| (knobs.access_ttl_seconds, knobs.refreshed_ttl_seconds) = (seconds, Some(renewed)));
    let _ports = CallbackPorts::take();
    world.browse(&sandbox, Visitor::approving("ada"), "--profile one").0.ok();
    (world, sandbox)
}

/// What the platform answers to a query of orders.
pub fn answer(rows: &[Value]) -> Fault {
    Fault::status(200).body("application/json", &json!({ "data": { "orders": rows } }).to_string())
}

pub fn order(id: usize) -> Value {
    json!({ "id": id.to_string(), "order_number": format!("ORD-{id}"), "status": "pending", "total": "1.10",
        "currency": "INR", "created_at": "2026-05-03T15:44:22+05:30" })
}

/// How often a platform was asked to renew a token.
pub fn refreshes(sandbox: &Sandbox) -> usize {
    let asked = sandbox.requests();
    asked.iter().filter(|request| request.form_field("grant_type") == Some("refresh_token")).count()
}
