//! `POST /api/v1/graphql`, with this schema:
//!
//! ```graphql
//! "A decimal with two places; in JSON a number token that keeps its digits, such as 2999.00."
//! scalar Decimal
//! type Order { id: ID! order_number: String! status: String! total: Decimal! currency: String! created_at: String! }
//! type Query {
//!   "Newest first. `after` is the id of the last order already seen; `first` is at most 100."
//!   orders(first: Int = 25, after: String, status: String): [Order!]!
//! }
//! type Mutation { cancelOrder(id: ID!): Order! }
//! ```

mod request;

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use graphql_parser::parse_query;
use serde_json::{Value as Json, json};

use self::request::{Picked, Problem, Request};
use super::api::Required;
use super::seed::{Order, STATUSES, Tenant};
use super::traffic::Operation;
use super::{Desk, World, answer};

pub async fn endpoint(State(world): State<Arc<World>>, Required(tenant): Required, body: Bytes) -> Response {
    let body: Json = serde_json::from_slice(&body).unwrap_or_default();
    let mut asked = String::new();
    let mut response = match run(&mut world.desk(), tenant, &body, &mut asked) {
        Ok(data) => answer::json(200, format!(r#"{{"data":{data}}}"#)),
        Err(problem) => failed(&problem),
    };
    if !asked.is_empty() {
        response.extensions_mut().insert(Operation(asked));
    }
    response
}

/// The `data` of the answer. `asked` says for the log what was asked for, also if it fails later.
fn run(desk: &mut Desk, tenant: &'static Tenant, body: &Json, asked: &mut String) -> Result<String, Problem> {
    let query =
        body["query"].as_str().ok_or_else(|| Problem::new("The request must carry a query.", None))?;
    let document = parse_query::<&str>(query)
        .map_err(|error| Problem::new(format!("Syntax Error: {}", error.to_string().trim()), None))?;
    let request = Request::new(&document, body["operationName"].as_str(), &body["variables"])?;
    let kind = if request.mutation { "Mutation" } else { "Query" };
    let root = request.root()?;
    let names: Vec<_> = root.iter().map(|picked| picked.field.name).collect();
    *asked = format!("{} {}", kind.to_ascii_lowercase(), names.join(", "));

    // everything is checked before anything is done, as validation comes before execution
    let mut plan = Vec::new();
    for Picked { key, field } in root {
        let (at, known): (_, &[&str]) = (
            Some(field.position),
            match (request.mutation, field.name) {
                (false, "orders") => &["first", "after", "status"],
                (true, "cancelOrder") => &["id"],
                (_, "__typename") => &[],
                (_, other) => {
                    let message = format!("Cannot query field \"{other}\" on type \"{kind}\".");
                    return Err(Problem::new(message, Some(field.position)));
                }
            },
        );
        let arguments = request.arguments(field, known)?;
        if field.name != "__typename" && field.selection_set.items.is_empty() {
            let message = format!("Field \"{}\" must have a selection of subfields.", field.name);
            return Err(Problem::new(message, at));
        }
        let fields = request.fields(&field.selection_set)?;
        fields.iter().try_for_each(check_order_field)?;
        plan.push((key, field, arguments, fields));
    }
    let mut data = Vec::new();
    for (key, field, arguments, fields) in plan {
        let result = match field.name {
            "orders" => orders(desk, tenant, &arguments).map(|rows| {
                let rows: Vec<String> = rows.iter().map(|order| select(order, &fields)).collect();
                format!("[{}]", rows.join(","))
            }),
            "cancelOrder" => cancel(desk, tenant, &arguments).map(|order| select(&order, &fields)),
            _ => Ok(format!("\"{kind}\"")),
        };
        let value = result.map_err(|message| Problem {
            message,
            position: Some(field.position),
            path: Some(key.to_owned()),
        })?;
        data.push(format!("\"{key}\":{value}"));
    }
    Ok(format!("{{{}}}", data.join(",")))
}

fn orders(
    desk: &Desk,
    tenant: &'static Tenant,
    arguments: &HashMap<&str, Json>,
) -> Result<Vec<Order>, String> {
    let argument = |name| arguments.get(name).filter(|value| !value.is_null());
    let first = argument("first").map_or(Some(25), Json::as_u64).filter(|first| (1..=100).contains(first));
    let first = first.ok_or("The first argument must be between 1 and 100.")?;
    let status = match argument("status") {
        Some(wanted) if !STATUSES.iter().any(|status| wanted == status) => {
            return Err("The selected status is invalid.".into());
        }
        status => status,
    };
    let all = desk.orders(tenant);
    let start = match argument("after") {
        Some(id) => {
            let last = id.as_str().and_then(|id| all.index_of(id));
            last.ok_or("The after argument names no order.")? + 1
        }
        None => 0,
    };
    let wanted =
        (start..all.count).filter(|&index| status.is_none_or(|status| status == desk.status(tenant, index)));
    Ok(wanted.filter_map(|index| desk.order(tenant, index)).take(first as usize).collect())
}

fn cancel(
    desk: &mut Desk,
    tenant: &'static Tenant,
    arguments: &HashMap<&str, Json>,
) -> Result<Order, String> {
    let id = arguments.get("id").and_then(Json::as_str).ok_or("The argument \"id\" is required.")?;
    let index = desk.orders(tenant).index_of(id).ok_or("There is no such order.")?;
    desk.set_status(tenant, index, "cancelled");
    desk.order(tenant, index).ok_or_else(|| "There is no such order.".into())
}

const ORDER_FIELDS: [&str; 7] =
    ["id", "order_number", "status", "total", "currency", "created_at", "__typename"];

fn check_order_field(picked: &Picked) -> Result<(), Problem> {
    let (name, at) = (picked.field.name, Some(picked.field.position));
    if !ORDER_FIELDS.contains(&name) {
        return Err(Problem::new(format!("Cannot query field \"{name}\" on type \"Order\"."), at));
    }
    if !picked.field.selection_set.items.is_empty() {
        return Err(Problem::new(format!("Field \"{name}\" must not have a selection of subfields."), at));
    }
    if let Some((argument, _)) = picked.field.arguments.first() {
        return Err(Problem::new(format!("Unknown argument \"{argument}\" on field \"{name}\"."), at));
    }
    Ok(())
}

/// Written by hand for the total, which would lose its digits in any other way. None of the texts needs an escape.
fn select(order: &Order, fields: &[Picked]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|Picked { key, field }| match field.name {
            "total" => format!("\"{key}\":{}", order.total()),
            "id" => format!("\"{key}\":\"{}\"", order.id),
            "order_number" => format!("\"{key}\":\"{}\"", order.order_number),
            "status" => format!("\"{key}\":\"{}\"", order.status),
            "currency" => format!("\"{key}\":\"INR\""),
            "created_at" => format!("\"{key}\":\"{}\"", order.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")),
            _ => format!("\"{key}\":\"Order\""),
        })
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// Errors are an answer like any other: status 200.
fn failed(problem: &Problem) -> Response {
    let mut error = json!({ "message": problem.message });
    if let Some(at) = problem.position {
        error["locations"] = json!([{ "line": at.line, "column": at.column }]);
    }
    let mut body = json!({});
    if let Some(path) = &problem.path {
        error["path"] = json!([path]);
        body["data"] = Json::Null;
    }
    body["errors"] = json!([error]);
    answer::value(200, &body)
}
