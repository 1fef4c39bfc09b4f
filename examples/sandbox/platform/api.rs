//! The REST routes below `/api/v1`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::answer::Refused;
use super::oauth::Params;
use super::seed::{self, Order, PAYMENT_STATUSES, STATUSES, Tenant, User};
use super::{Desk, World, answer};

/// Who calls, and for which tenant if the call says so.
pub struct Caller {
    user: &'static User,
    token: String,
    tenant: Option<&'static Tenant>,
}

impl FromRequestParts<Arc<World>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Refused> {
        let headers = &parts.headers;
        let token = bearer(headers).to_owned();
        let Some(user) = world.desk().tokens.holder(&token) else {
            return Err(answer::message(401, "Unauthenticated.").into());
        };
        let wanted = headers.get("x-tenant").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if wanted.is_empty() {
            return Ok(Self { user, token, tenant: None });
        }
        let tenant =
            seed::tenant(wanted).filter(|tenant| user.memberships.iter().any(|(id, _)| *id == tenant.id));
        match tenant {
            Some(tenant) => Ok(Self { user, token, tenant: Some(tenant) }),
            None => Err(answer::message(403, "You don't belong to this tenant.").into()),
        }
    }
}

/// The access token of a request; empty without one.
pub fn bearer(headers: &HeaderMap) -> &str {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
}

/// The tenant of a call that can't do without.
pub struct Required(pub &'static Tenant);

impl FromRequestParts<Arc<World>> for Required {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Refused> {
        let caller = Caller::from_request_parts(parts, world).await?;
        let tenant = caller.tenant.ok_or_else(|| answer::message(400, "The X-Tenant header is required."))?;
        Ok(Self(tenant))
    }
}

#[derive(Serialize)]
struct Profile {
    id: u32,
    name: &'static str,
    email: &'static str,
    email_verified: bool,
    is_super_admin: bool,
    created_at: String,
    last_login_at: Option<String>,
    last_login_ip: Option<&'static str>,
    current_tenant: Option<CurrentTenant>,
    tenants_count: usize,
}

#[derive(Serialize)]
struct CurrentTenant {
    id: &'static str,
    role: &'static str,
    status: &'static str,
    joined_at: String,
    last_active_at: String,
}

pub async fn profile(State(world): State<Arc<World>>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    let user = caller.user;
    let desk = world.desk();
    let current = caller.tenant.map(|tenant| tenant.id).or(user.current_tenant);
    let membership = user.memberships.iter().find(|(id, _)| Some(*id) == current);
    let last_login = desk.last_logins.get(&user.id);
    let profile = Profile {
        id: user.id,
        name: user.name,
        email: user.email,
        email_verified: true,
        is_super_admin: false,
        created_at: "2025-01-27T08:30:00.000000Z".into(),
        last_login_at: last_login.map(laravel_time),
        last_login_ip: last_login.map(|_| "127.0.0.1"),
        current_tenant: membership.map(|(id, role)| CurrentTenant {
            id,
            role,
            status: "active",
            joined_at: "2025-02-01T09:00:00.000000Z".into(),
            last_active_at: laravel_time(&Timestamp::now()),
        }),
        tenants_count: user.memberships.len(),
    };
    let wrap = Params::parse(query.unwrap_or_default().as_bytes()).get("wrap").is_some();
    if wrap || desk.knobs.wrap_profile {
        #[derive(Serialize)]
        struct Wrapped {
            data: Profile,
        }
        return answer::value(200, &Wrapped { data: profile });
    }
    answer::value(200, &profile)
}

fn laravel_time(time: &Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

pub async fn tenants(caller: Caller) -> Response {
    let list: Vec<_> = caller
        .user
        .memberships
        .iter()
        .filter_map(|(id, role)| {
            seed::tenant(id).map(|tenant| json!({ "id": id, "name": tenant.name, "role": role }))
        })
        .collect();
    answer::value(200, &json!({ "tenants": list }))
}

pub async fn log_out(State(world): State<Arc<World>>, caller: Caller) -> Response {
    world.desk().tokens.revoke(&caller.token);
    answer::message(200, "Successfully logged out")
}

pub async fn orders(
    State(world): State<Arc<World>>,
    Required(tenant): Required,
    RawQuery(query): RawQuery,
) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    let mut errors = Vec::new();
    for (field, known) in [("status", &STATUSES[..]), ("payment_status", &PAYMENT_STATUSES[..])] {
        if params.get(field).is_some_and(|value| !known.contains(&value)) {
            errors.push((field, format!("The selected {} is invalid.", field.replace('_', " "))));
        }
    }
    let customer = params.get("customer_id").map(str::parse::<u64>);
    if matches!(customer, Some(Err(_))) {
        errors.push(("customer_id", "The customer id field must be an integer.".into()));
    }
    let mut number = |field, fallback: u64, most: u64| {
        let value = params.get(field).map_or(Ok(fallback), str::parse).unwrap_or(0);
        if !(1..=most).contains(&value) {
            let name = str::replace(field, "_", " ");
            errors.push((field, format!("The {name} field must be between 1 and {most}.")));
        }
        value
    };
    let (page, per_page) = (number("page", 1, 1_000_000), number("per_page", 25, 100));
    if !errors.is_empty() {
        return answer::invalid(&errors);
    }
    let customer = customer.and_then(Result::ok);
    let (status, payment_status) = (params.get("status"), params.get("payment_status"));
    let filtered = status.is_some() || payment_status.is_some() || customer.is_some();
    let desk = world.desk();
    let wanted = |&index: &u64| {
        status.is_none_or(|status| status == desk.status(tenant, index))
            && payment_status.is_none_or(|status| status == seed::payment_status_of(index))
            && customer.is_none_or(|customer| customer == seed::customer_of(index))
    };
    let count = desk.orders(tenant).count;
    let start = (page - 1) * per_page;
    // without a filter the page is found by arithmetic, however many orders there are
    let (indices, total): (Vec<u64>, u64) = if filtered {
        let all: Vec<u64> = (0..count).filter(wanted).collect();
        let total = all.len() as u64;
        (all.into_iter().skip(start as usize).take(per_page as usize).collect(), total)
    } else {
        ((start..count.min(start + per_page)).collect(), count)
    };
    let rows = indices.into_iter().filter_map(|index| desk.order(tenant, index));
    let rows: Vec<String> = rows.map(|order| order_json(&order)).collect();
    let last_page = total.div_ceil(per_page).max(1);
    answer::json(
        200,
        format!(
            r#"{{"orders":[{}],"pagination":{{"current_page":{page},"last_page":{last_page},"per_page":{per_page},"total":{total}}}}}"#,
            rows.join(",")
        ),
    )
}

pub async fn order(
    State(world): State<Arc<World>>,
    Required(tenant): Required,
    Path(id): Path<String>,
) -> Response {
    one_order(&world.desk(), tenant, &id)
}

pub async fn change_order(
    State(world): State<Arc<World>>,
    Required(tenant): Required,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let status = body["status"].as_str().and_then(|text| STATUSES.iter().find(|known| **known == text));
    let Some(status) = status else {
        return answer::invalid(&[("status", "The selected status is invalid.".into())]);
    };
    let mut desk = world.desk();
    if let Some(index) = desk.orders(tenant).index_of(&id) {
        desk.set_status(tenant, index, status);
    }
    one_order(&desk, tenant, &id)
}

fn one_order(desk: &Desk, tenant: &'static Tenant, id: &str) -> Response {
    match desk.orders(tenant).index_of(id).and_then(|index| desk.order(tenant, index)) {
        Some(order) => answer::json(200, format!(r#"{{"order":{}}}"#, order_json(&order))),
        None => answer::message(404, "There is no such order."),
    }
}

/// Written by hand for the total, a number token that no JSON value of ours can hold. All texts are known to need no
/// escapes.
fn order_json(order: &Order) -> String {
    format!(
        r#"{{"id":"{}","order_number":"{}","status":"{}","total":{},"currency":"INR","created_at":"{}","payment_status":"{}","customer_id":{}}}"#,
        order.id,
        order.order_number,
        order.status,
        order.total(),
        order.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        order.payment_status,
        order.customer_id,
    )
}
