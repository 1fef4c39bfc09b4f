//! Tenants, orders and `api` against Django, django-oauth-toolkit and a real GraphQL engine.

use crate::support::World;
use crate::support::real_server::RealServer;

#[test]
#[ignore = "needs the Django server; run by tests/run"]
fn tenants_orders_and_any_endpoint_of_a_real_server() {
    let (server, mut world) = (RealServer::shared(), World::new());
    let token = server.mint("ada");
    world.plant(&token);
    world.set("AUTOCOM_TOKEN", &token).set("AUTOCOM_API_URL", server.api_url()).set("AUTOCOM_TENANT", "acme");

    let tenants = world.run("tenants list -o json").ok().json();
    assert!(tenants.as_array().unwrap().iter().any(|row| row["id"] == "acme" && row["current"] == true));

    let all = world.run("orders list --all -o json").ok();
    let rows = all.json().as_array().unwrap().len();
    // What a plain query says of the same orders, digit by digit.
    let query = "query=query Q($n: Int) { orders(first: $n) { id total } }";
    let plain = world.run_words(&["api", "graphql", "-f", query, "-F", "n=100"]).ok();
    let orders = plain.json()["data"]["orders"].as_array().unwrap().clone();
    assert!(rows >= orders.len() && !orders.is_empty());
    assert_eq!(plain.stdout.matches("\"total\": ").count(), orders.len());
    for total in plain.stdout.split("\"total\": ").skip(1) {
        let digits = total.split('}').next().unwrap();
        assert!(all.stdout.contains(&format!("\"total\": {digits},\n")), "{digits}");
    }
    let first = world.run("orders list --limit 3 -o json").ok().json();
    assert_eq!(first[2]["id"], orders[2]["id"]);
    world.run("orders list --status shiped").code(1).says("GraphQL: The selected status is invalid.");
    world.run_words(&["api", "graphql", "-f", "query={ nothing }"]).code(1).says("Cannot query field");

    let pages = world.run("api orders?per_page=10 --paginate --slurp").ok().json();
    let count = |page: &serde_json::Value| page["orders"].as_array().unwrap().len();
    assert_eq!(pages.as_array().unwrap().iter().map(count).sum::<usize>(), rows);
    world.run("api nowhere").code(5);
}
