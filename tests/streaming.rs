//! `api` with bodies that do not fit into its memory, both ways.

use serde_json::json;

use crate::platform::{Fault, Options, Request, Sandbox, fingerprint};
use crate::support::World;

/// More than is read before a request is sent, and than other commands take for an answer.
const LARGE: usize = 9 << 20;

fn logged_in() -> (World, Sandbox) {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in_by_oauth(&sandbox);
    (world, sandbox)
}

/// The requests that carry a body, past the login's.
fn uploads(sandbox: &Sandbox) -> Vec<Request> {
    sandbox.requests().into_iter().filter(|request| request.path == "/api/v1/orders/1").collect()
}

#[test]
fn an_answer_of_any_size_goes_into_a_pipe_and_one_cut_short_is_an_error_after_what_came() {
    let (world, sandbox) = logged_in();
    let body = "0123456789abcdef".repeat(LARGE / 16);
    let answer = |fault: Fault| sandbox.fault("/api/v1/orders", fault.body("text/plain", &body));
    answer(Fault::status(200));
    assert!(world.run("api orders").ok().stdout == body);
    for (fault, reason) in
        [(Fault::close(), "cut short after 4718592 bytes"), (Fault::stall(), "cut short after 4718592 bytes")]
    {
        answer(fault);
        let outcome = world.run("api orders --request-timeout 1").code(1).says(reason);
        assert!(outcome.stdout == body[..LARGE / 2]);
    }
}

#[test]
fn a_large_file_is_sent_again_and_a_pipe_once_with_a_token_that_was_checked() {
    let (world, sandbox) = logged_in();
    let body = format!("\"{}\"", "x".repeat(LARGE));
    std::fs::write(world.home().join("large.json"), &body).unwrap();
    let revoke = || sandbox.revoke(&world.stored(&sandbox.api_url(), "access_token"));
    let line = "api PATCH orders/1 --input";

    revoke();
    world.run(&format!("{line} large.json")).code(1).says("The selected status is invalid");
    let statuses: Vec<_> = uploads(&sandbox).iter().map(|it| (it.status, it.body_length)).collect();
    assert_eq!(statuses, [(Some(401), body.len()), (Some(422), body.len())]);

    // The token is refreshed before the first byte of the pipe.
    revoke();
    world.run_with_input(&format!("{line} -"), &body).code(1).says("The selected status is invalid");
    let uploads_now = uploads(&sandbox);
    let (last, token) = (uploads_now.last().unwrap(), world.stored(&sandbox.api_url(), "access_token"));
    assert_eq!((uploads_now.len(), last.status, last.body_length), (3, Some(422), body.len()));
    assert_eq!(last.authorization, Some(fingerprint(&token)));

    // Rejected after that, it cannot be sent again.
    let rejected = Fault::status(401).body("application/json", r#"{"message":"Unauthenticated."}"#);
    sandbox.fault("/api/v1/orders/1", rejected);
    world.run_with_input(&format!("{line} -"), &body).code(4);
    assert_eq!(uploads(&sandbox).len(), 4);
}

#[test]
fn graphql_that_is_too_large_to_be_read_counts_as_a_change() {
    let (world, sandbox) = logged_in();
    world.run("profiles set local protected=true").ok();
    let query = json!({ "query": format!("{{ orders {{ id }} }} # {}", "x".repeat(LARGE)) });
    std::fs::write(world.home().join("query.json"), query.to_string()).unwrap();
    let before = sandbox.requests().len();
    world.run("api POST graphql --input query.json").code(2).says("protected");
    assert_eq!(sandbox.requests().len(), before);
}
