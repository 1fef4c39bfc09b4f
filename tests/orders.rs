//! `orders list`: pages of GraphQL as one list, in every format, with every digit.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::platform::{Fault, Options, Sandbox};
use crate::support::World;
use crate::support::platform::{answer, order};

/// A profile in a tenant that has so many orders.
fn shop(orders: u64) -> (World, Sandbox) {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    sandbox.knobs(|knobs| _ = knobs.orders_count.insert("acme".to_owned(), orders));
    world.log_in(&sandbox, "ada", "--profile shop");
    (world, sandbox)
}

fn asked(sandbox: &Sandbox) -> usize {
    sandbox.requests().iter().filter(|request| request.path == "/api/v1/graphql").count()
}

#[test]
fn a_list_in_every_format_keeps_the_digits_of_its_totals() {
    let (world, _sandbox) = shop(57);
    insta::assert_snapshot!(world.run("orders list --limit 5").ok().stdout, @r"
    ORDER	STATUS	TOTAL	CURRENCY	CREATED
    ORD-20260503-0001	pending	2999.00	INR	2026-05-03T10:14:22Z
    ORD-20260502-0003	confirmed	0.10	INR	2026-05-02T23:14:22Z
    ORD-20260502-0002	processing	0.00	INR	2026-05-02T12:14:22Z
    ORD-20260502-0001	ready_to_ship	19.99	INR	2026-05-02T01:14:22Z
    ORD-20260501-0002	shipped	9007199254740993.01	INR	2026-05-01T14:14:22Z
    ");
    insta::assert_snapshot!(world.run("order ls --limit 1 -o json").ok().stdout, @r#"
    [
      {
        "id": "f48e47c7-087c-53ad-a2b3-822b33ad87c1",
        "order_number": "ORD-20260503-0001",
        "status": "pending",
        "total": 2999.00,
        "currency": "INR",
        "created_at": "2026-05-03T10:14:22Z"
      }
    ]
    "#);
    insta::assert_snapshot!(world.run("orders list --limit 2 -o yaml").ok().stdout, @r#"
    ---
    - id: f48e47c7-087c-53ad-a2b3-822b33ad87c1
      order_number: ORD-20260503-0001
      status: pending
      total: 2999.00
      currency: INR
      created_at: "2026-05-03T10:14:22Z"
    - id: f48e47c7-087c-53ad-a2b3-822b33ad87c0
      order_number: ORD-20260502-0003
      status: confirmed
      total: 0.10
      currency: INR
      created_at: "2026-05-02T23:14:22Z"
    "#);
    let all = world.run("orders list --limit 5 -o json").ok().stdout;
    for digits in ["2999.00", "0.10", "0.00", "19.99", "9007199254740993.01"] {
        assert!(all.contains(&format!("\"total\": {digits},\n")), "{digits} is not in\n{all}");
    }
}

#[test]
fn a_string_stays_a_string_and_times_are_in_utc() {
    let (world, sandbox) = shop(0);
    let page = |orders: &[Value]| {
        sandbox.fault("/api/v1/graphql", answer(orders));
        sandbox.fault("/api/v1/graphql", answer(&[]));
    };
    page(&[order(1)]);
    let row = &world.run("orders list -o json").ok().json()[0];
    assert_eq!(row["total"], "1.10");
    assert_eq!(row["created_at"], "2026-05-03T10:14:22Z");
    page(&[json!({ "id": 7, "total": null })]);
    assert_eq!(world.run("orders list").ok().stdout.lines().nth(1), Some("7\t\t\t\t"));
}

#[test]
fn pages_are_followed_to_the_limit_or_to_the_end() {
    let (world, sandbox) = shop(230);
    let ids = |line: &str| -> Vec<String> {
        let rows = world.run(line).ok().json();
        rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((ids("orders list -o json").len(), asked(&sandbox)), (25, 1));
    assert_eq!((ids("orders list --limit 100 -o json").len(), asked(&sandbox)), (100, 2));
    assert_eq!((ids("orders list --limit 101 -o json").len(), asked(&sandbox)), (101, 4));
    let mut all = ids("orders list --all -o json");
    assert_eq!(
        (all.len(), asked(&sandbox)),
        (230, 8),
        "the page that is not full may be the platform's limit"
    );
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 230);
    let shipped = world.run("orders list --all --status shipped -o json").ok().json();
    assert_eq!(shipped.as_array().unwrap().len(), 21);
    assert!(shipped.as_array().unwrap().iter().all(|row| row["status"] == "shipped"));
    // A last page that happens to be full, and the empty one behind it.
    sandbox.knobs(|knobs| _ = knobs.orders_count.insert("acme".to_owned(), 200));
    assert_eq!(ids("orders list --all -o json").len(), 200);
    world.run("orders list --limit 0").code(2).says("--all");
    world.run("orders list --limit 3 --all").code(2);
}

#[test]
fn orders_of_several_statuses_and_of_a_time_are_those_of_the_whole_list() {
    let (world, sandbox) = shop(450);
    let list = |options: &str| world.run(&format!("orders list -o json {options}")).ok().json();
    let all = list("--all").as_array().unwrap().clone();
    let of = |keep: &dyn Fn(&Value) -> bool| {
        Value::from(all.iter().filter(|row| keep(row)).cloned().collect::<Vec<_>>())
    };
    let has = |row: &Value, statuses: &[&str]| statuses.contains(&row["status"].as_str().unwrap());
    assert_eq!(
        list("--all --status shipped --status pending --status shipped"),
        of(&|row| has(row, &["shipped", "pending"]))
    );
    let some = list("--status shipped --status pending --limit 7");
    assert_eq!(
        some.as_array().unwrap()[..],
        of(&|row| has(row, &["shipped", "pending"])).as_array().unwrap()[..7]
    );
    // The newest come first, so a page with an older one is the last that is fetched.
    let (newer, older) = (all[30]["created_at"].as_str().unwrap(), all[60]["created_at"].as_str().unwrap());
    let within = |row: &Value| (older..newer).contains(&row["created_at"].as_str().unwrap());
    let before = sandbox.requests().len();
    assert_eq!(list(&format!("--all --since {older} --until {newer}")), of(&within));
    assert_eq!(sandbox.requests().len() - before, 1);
    let both = format!("--all --since {older} --status failed --status pending");
    assert_eq!(
        list(&both),
        of(&|row| row["created_at"].as_str().unwrap() >= older && has(row, &["failed", "pending"]))
    );
    assert_eq!(list(&format!("--until {newer} --limit 3")).as_array().unwrap()[..], all[31..34]);
    assert_eq!(
        list("--since 1m --all --until 2999-01-01").as_array().unwrap().len(),
        of(&|_| false).as_array().unwrap().len()
    );
    for (options, says) in [
        ("--since yesterday", "--since is not a time: `yesterday`"),
        ("--since 1d --until 2d", "--since is not before --until"),
    ] {
        world.run(&format!("orders list {options}")).code(2).says(says);
    }
}

#[test]
fn no_orders_are_an_empty_list_in_every_format() {
    let (world, _sandbox) = shop(0);
    assert_eq!(world.run("orders list -o json").ok().stdout, "[]\n");
    assert_eq!(world.run("orders list -o yaml").ok().stdout, "---\n[]\n");
    assert_eq!(world.run("orders list").ok().stdout, "ORDER\tSTATUS\tTOTAL\tCURRENCY\tCREATED\n");
}

#[test]
fn errors_of_graphql_are_exit_1_with_their_messages() {
    let (world, sandbox) = shop(3);
    world
        .run("orders list --status shiped")
        .code(1)
        .says("error: GraphQL: The selected status is invalid.")
        .says("hint: did you mean shipped? statuses: pending, confirmed,");
    for (body, says) in [
        (json!({ "errors": [{ "message": "No.\u{1b}[31m" }, { "message": "Never." }] }), "caused by: Never."),
        (json!({ "data": { "orders": [order(1)] }, "errors": [{}] }), "error: GraphQL: no reason given"),
        (json!({ "data": { "orders": null } }), "error: the answer is JSON without a list of orders"),
        (json!({ "data": { "orders": [{ "id": "1", "total": [] }] } }), "without a list of orders"),
        (json!(7), "error: the answer is JSON of another shape"),
    ] {
        sandbox.fault("/api/v1/graphql", Fault::status(200).body("application/json", &body.to_string()));
        let outcome = world.run("orders list -o json").code(1);
        let shown = world.run("orders list"); // the fault is over
        assert_eq!(shown.code, 0);
        assert!(outcome.stdout.is_empty(), "{}", outcome.stdout);
        sandbox.fault("/api/v1/graphql", Fault::status(200).body("application/json", &body.to_string()));
        let outcome = world.run("orders list").code(1).says(says);
        assert!(!outcome.stderr.contains('\u{1b}'));
    }
    // Engines differ in the status of a query that they refuse, and in what they call errors.
    let list = json!({ "errors": [{ "message": "Cannot query field." }, { "message": "Never." }] });
    let fields = json!({ "message": "Invalid.", "errors": { "first": ["Too many."] } });
    for (status, body, code, says) in [
        (400, &list, 1, ["error: GraphQL: Cannot query field.", "caused by: Never."]),
        (422, &list, 1, ["error: GraphQL: Cannot query field.", "caused by: Never."]),
        (401, &list, 4, ["error: the platform rejected the token", "hint: autocom auth login"]),
        (403, &list, 5, ["error: not permitted: Cannot query field.", ""]),
        (422, &fields, 1, ["found the request invalid: Invalid.", "caused by: first: Too many."]),
        (200, &fields, 1, ["error: GraphQL: first: Too many.", ""]),
        (200, &json!({ "data": null, "errors": "oops" }), 1, ["error: GraphQL: oops", ""]),
        (200, &json!({ "data": null, "errors": { "message": "oops" } }), 1, ["error: GraphQL: oops", ""]),
    ] {
        for line in [vec!["orders", "list"], vec!["api", "graphql", "-f", "query={ a }"]] {
            let fault = Fault::status(status).body("application/json", &body.to_string());
            sandbox.fault("/api/v1/graphql", fault);
            world.run_words(&line).code(code).says(says[0]).says(says[1]);
        }
    }
    for none in [json!(null), json!([]), json!({}), json!("")] {
        let body = json!({ "data": { "orders": [order(1)] }, "errors": none }).to_string();
        sandbox.fault("/api/v1/graphql", Fault::status(200).body("application/json", &body));
        world.run("orders list --limit 1").ok();
    }
    sandbox.fault("/api/v1/graphql", Fault::status(403));
    world.run("orders list").code(5);
    world.run("orders list --tenant initech").code(5).says("You don't belong to this tenant");
}

#[test]
fn a_platform_that_goes_in_circles_is_left() {
    let (world, sandbox) = shop(0);
    let page = |from: usize| (from..from + 100).map(order).collect::<Vec<_>>();
    // The same page again, and a circle of three.
    for circle in [vec![0], vec![0, 100, 200]] {
        for from in circle.iter().cycle().take(20) {
            sandbox.fault("/api/v1/graphql", answer(&page(*from)));
        }
        let before = asked(&sandbox);
        let outcome = world.run("orders list --all -o json").code(1).says("the same orders again and again");
        assert!(asked(&sandbox) - before < 12);
        assert!(!outcome.stdout.contains("\n]"), "unclosed");
        // What is left of the circle.
        while world.run("orders list -o json").stdout != "[]\n" {}
    }
}

#[test]
fn a_list_that_breaks_off_is_visibly_unfinished() {
    let (world, sandbox) = shop(300);
    for fault in [Fault::status(500), Fault::status(200).body("text/html", "<html>")] {
        let page: Vec<Value> = (0..100).map(order).collect();
        sandbox.fault("/api/v1/graphql", answer(&page));
        sandbox.fault("/api/v1/graphql", fault);
        let outcome = world.run("orders list --all -o json").code(1);
        assert!(outcome.stdout.starts_with("[\n  {\n") && outcome.stdout.ends_with("\n  }"));
        assert!(serde_json::from_str::<Value>(&outcome.stdout).is_err());
        assert_eq!(outcome.stdout.matches("\"id\"").count(), 100);
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_end_and_stops_the_fetching() {
    let (world, sandbox) = shop(1_000_000);
    let mut child =
        world.command("orders list --all").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("ORDER\t"));
    assert!(lines.next().unwrap().unwrap().starts_with("ORD-"));
    drop(lines);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    assert!(asked(&sandbox) < 60, "{} pages", asked(&sandbox));
}

#[test]
fn each_page_is_there_before_the_next_has_come() {
    let (world, sandbox) = shop(250);
    let page: Vec<Value> = (0..100).map(order).collect();
    sandbox.fault("/api/v1/graphql", answer(&page));
    sandbox.fault("/api/v1/graphql", Fault::hang());
    let mut child = world.command("orders list --all -o json").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The hundredth order, while the platform keeps silent about the next.
    assert!(lines.any(|line| line.unwrap().contains("ORD-99")));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn what_steers_a_terminal_is_escaped_in_json_and_in_yaml() {
    let (world, sandbox) = shop(0);
    let evil = json!({ "id": "a\u{202e}b\u{9b}31m", "total": "1.10" });
    let shown = |in_terminal: bool, format: &str| {
        sandbox.fault("/api/v1/graphql", answer(std::slice::from_ref(&evil)));
        let line = format!("orders list --limit 1 -o {format}");
        if in_terminal { world.run_in_terminal(&line, 80).stdout } else { world.run(&line).ok().stdout }
    };
    let json = shown(true, "json");
    assert!(json.contains(r#""id": "a\u202eb\u009b31m""#), "{json:?}");
    let mut documents = serde_json::Deserializer::from_str(&json).into_iter::<Value>(); // a note follows
    assert_eq!(documents.next().unwrap().unwrap()[0]["id"], evil["id"]);
    for in_terminal in [true, false] {
        let json = shown(in_terminal, "json");
        assert!(json.contains(r#""id": "a\u202eb\u009b31m""#), "{json:?}");
        let yaml = shown(in_terminal, "yaml");
        assert!(yaml.contains(r#"id: "a\u202eb\u009b31m""#), "{yaml:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_one_table_that_fits() {
    let (mut world, _sandbox) = shop(300);
    world.set("NO_COLOR", "1");
    let first = |text: &str| text.lines().take(7).map(|line| line.to_owned() + "\n").collect::<String>();
    let wide = world.run_in_terminal("orders list --all", 100).ok().stdout;
    insta::assert_snapshot!(first(&wide), @r"
    ORDER              STATUS                          TOTAL  CURRENCY  CREATED
    ORD-20260503-0001  pending                       2999.00  INR       2026-05-03T10:14:22Z
    ORD-20260502-0003  confirmed                        0.10  INR       2026-05-02T23:14:22Z
    ORD-20260502-0002  processing                       0.00  INR       2026-05-02T12:14:22Z
    ORD-20260502-0001  ready_to_ship                   19.99  INR       2026-05-02T01:14:22Z
    ORD-20260501-0002  shipped           9007199254740993.01  INR       2026-05-01T14:14:22Z
    ORD-20260501-0001  out_for_delivery        1234567890.10  INR       2026-05-01T03:14:22Z
    ");
    assert_eq!(wide.matches("ORDER").count(), 1, "one header");
    assert_eq!(wide.lines().count(), 301);
    let narrow = world.run_in_terminal("orders list --limit 6", 60).ok().stdout;
    insta::assert_snapshot!(narrow, @r"
    ORDER              STATUS                          TOTAL
    ORD-20260503-0001  pending                       2999.00
    ORD-20260502-0003  confirmed                        0.10
    ORD-20260502-0002  processing                       0.00
    ORD-20260502-0001  ready_to_ship                   19.99
    ORD-20260501-0002  shipped           9007199254740993.01
    ORD-20260501-0001  out_for_delivery        1234567890.10
    note: these are the first 6; all of them: --all
    ");
    for width in [40, 60, 80] {
        let text = world.run_in_terminal("orders list --all", width).ok().stdout;
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
        assert_eq!(text.lines().count(), 301, "{width}: no row is broken");
    }
}
