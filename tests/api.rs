//! `api`: any endpoint below the profile's address, and none elsewhere.

use serde_json::{Value, json};

use crate::platform::{Fault, Options, Sandbox};
use crate::support::World;

fn logged_in() -> (World, Sandbox) {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile shop");
    (world, sandbox)
}

/// The last request as `METHOD path`, and the keys of its query.
fn last(sandbox: &Sandbox) -> (String, Vec<String>) {
    let request = sandbox.requests().pop().unwrap();
    (format!("{} {}", request.method, request.path), request.query_keys)
}

#[test]
fn a_pipe_gets_the_very_bytes_and_json_is_drawn_where_it_is_asked_for() {
    let (world, sandbox) = logged_in();
    let body = "{\"b\":2999.00,  \"a\":[9007199254740993.01,1E2,\"\\u00e9\"]}";
    for path in ["orders", "/orders", &format!("{}/orders", sandbox.api_url())] {
        sandbox.fault("/api/v1/orders", Fault::status(200).body("application/json", body));
        assert_eq!(world.run(&format!("api {path}")).ok().stdout, body);
    }
    let request = sandbox.requests().pop().unwrap();
    assert_eq!((request.method.as_str(), request.tenant.as_deref()), ("GET", Some("acme")));
    assert_eq!(request.accept.as_deref(), Some("application/json"));
    sandbox.fault("/api/v1/orders", Fault::status(200).body("application/json", body));
    insta::assert_snapshot!(world.run("api orders -o json").ok().stdout, @r#"
    {
      "b": 2999.00,
      "a": [
        9007199254740993.01,
        1E2,
        "é"
      ]
    }
    "#);
    sandbox.fault("/api/v1/orders", Fault::status(200).body("application/json", body));
    insta::assert_snapshot!(world.run("api orders -o yaml").ok().stdout, @r"
    ---
    b: 2999.00
    a:
      - 9007199254740993.01
      - 1E2
      - é
    ");
    // What is not JSON passes a pipe, and is nonsense where JSON or YAML was asked for.
    let page = "<html>\n\u{1b}1,2";
    for (line, code, stdout) in [
        ("api orders", 0, page),
        ("api orders -o json", 1, ""),
        ("api orders -o yaml", 1, ""),
        ("api orders --paginate --slurp", 1, ""),
    ] {
        sandbox.fault("/api/v1/orders", Fault::status(200).body("text/html", page));
        let outcome = world.run(line).code(code);
        assert_eq!(outcome.stdout, stdout, "{line}");
        assert!(code == 0 || outcome.stderr.contains("(HTML, status 200)"), "{line}");
    }
    sandbox.fault("/api/v1/orders", Fault::status(200).body("text/plain", "1,2"));
    world.run("api orders -o json").code(1).says("not JSON").says("unchanged: autocom api -o table");
    sandbox.fault("/api/v1/orders", Fault::status(204).body("text/plain", ""));
    let list = world.run("api orders --paginate --slurp").ok().stdout;
    assert_eq!(list.split_whitespace().collect::<String>(), "[null]");
    sandbox.fault("/api/v1/orders", Fault::status(200).body("application/json", ""));
    world.run("api orders --paginate --slurp").code(1).says("error: the answer is empty\n");
    sandbox.fault("/api/v1/orders", Fault::status(204).body("text/plain", ""));
    assert_eq!(world.run("api orders -o json").ok().stdout, "");
}

#[test]
fn fields_go_into_the_query_of_a_get_and_into_the_body_of_all_else() {
    let (world, sandbox) = logged_in();
    let page = world.run("api GET orders -f status=shipped -F per_page=2").ok().json();
    assert_eq!(page["pagination"]["per_page"], 2);
    assert_eq!(
        last(&sandbox),
        ("GET /api/v1/orders".to_owned(), vec!["status".to_owned(), "per_page".to_owned()])
    );
    let id = page["orders"][0]["id"].as_str().unwrap();
    let changed = world.run(&format!("api patch orders/{id} -f status=delivered")).ok().json();
    assert_eq!(changed["order"]["status"], "delivered");
    let body =
        world.run_with_input(&format!("api PATCH orders/{id} --input -"), "{\"status\":\"failed\"}").ok();
    assert_eq!(body.json()["order"]["status"], "failed");
    world.write("body.json", "{\"status\":\"pending\"}");
    let file = world.path("body.json");
    let changed = world.run(&format!("api PATCH orders/{id} --input {} -f trace=1", file.display())).ok();
    assert_eq!(changed.json()["order"]["status"], "pending");
    assert_eq!(last(&sandbox).1, ["trace"]);
    // What belongs to which item is told by the order of both flags together.
    let items =
        ["-f", "items[][sku]=007", "-F", "items[][n]=2", "-f", "items[][sku]=008", "-F", "items[][n]=3"];
    world.run_words(&[&["api", "POST", "auth/logout"], items.as_slice()].concat()).ok();
    let sent = r#"{"items":[{"sku":"007","n":2},{"sku":"008","n":3}]}"#;
    assert_eq!(sandbox.requests().pop().unwrap().body_length, sent.len());
    world.log_in(&sandbox, "ada", "--profile shop");
    // Fields make it a POST, which that endpoint doesn't take.
    world.run("api orders -f status=shipped").code(1).says("the platform refused with status 405");
    world.run("api POST /auth/logout").ok();
    assert_eq!(sandbox.requests().pop().unwrap().body_length, 0);
}

#[test]
fn the_token_goes_below_the_profiles_address_and_nowhere_else() {
    let (world, sandbox) = logged_in();
    let elsewhere = Sandbox::start(Options::default()).unwrap();
    let (other, origin, before) = (elsewhere.origin(), sandbox.origin(), sandbox.requests().len());
    for path in [
        format!("{other}/api/v1/profile"),
        format!("//{}/api/v1/profile", other.trim_start_matches("http://")),
        format!("{origin}@{}/api/v1/profile", other.trim_start_matches("http://")),
        format!("{origin}/oauth/token"),
        format!("{origin}/api/v1/../../oauth/token"),
        "../../oauth/token".to_owned(),
        "%2e%2e/%2e%2e/oauth/token".to_owned(),
        "/\\127.0.0.1:1/x".to_owned(),
        "https://127.0.0.1/api/v1/profile".to_owned(),
        "profile#x".to_owned(),
    ] {
        world
            .run(&format!("api {path}"))
            .code(2)
            .says("error: the endpoint ")
            .says("hint: endpoints are below");
    }
    assert_eq!(sandbox.requests().len(), before);
    assert!(elsewhere.requests().is_empty());
    // What only looks like another host is a path.
    world.run("api @evil.test/x").code(5);
    assert_eq!(last(&sandbox).0, "GET /api/v1/@evil.test/x");
    sandbox
        .fault("/api/v1/profile", Fault::status(302).header("location", &format!("{other}/api/v1/profile")));
    world.run("api profile").code(1).says("between here and the platform (redirect to ");
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn headers_are_added_but_not_those_that_autocom_answers_for() {
    let (world, sandbox) = logged_in();
    world.run_words(&["api", "profile", "-H", "Accept: text/csv", "-H", "X-Debug: 1"]).ok();
    assert_eq!(sandbox.requests().pop().unwrap().accept.as_deref(), Some("text/csv"));
    let typed =
        ["api", "PATCH", "orders/1", "--input", "-", "-H", "Content-Type: application/merge-patch+json"];
    world.run_words(&typed).code(1);
    let kind = sandbox.requests().pop().unwrap().content_type;
    assert_eq!(kind.as_deref(), Some("application/merge-patch+json"));
    let before = sandbox.requests().len();
    world.plant("hunter2");
    for header in [
        "authorization: Bearer hunter2",
        "X-TENANT: hunter2",
        "X_Tenant: hunter2",
        "Host: hunter2",
        "Connection: hunter2",
        "upgrade: hunter2",
        "TE: hunter2",
        "Keep-Alive: hunter2",
        "Proxy-Authorization: hunter2",
        "hunter2",
        "a b: hunter2",
    ] {
        world.run_words(&["api", "profile", "-H", header]).code(2);
    }
    for line in ["api GET", "api POST -f a=1"] {
        world.run(line).code(2).says("is missing").says("hint: autocom api ");
    }
    assert_eq!(sandbox.requests().len(), before);
}

#[test]
fn an_error_is_shown_whole_and_told_on_stderr_with_its_exit_code() {
    let (world, sandbox) = logged_in();
    for (status, code) in [(401, 4), (403, 5), (404, 5), (409, 1), (422, 1), (500, 1)] {
        let body = json!({ "message": "Because.", "errors": { "status": ["is odd"] } }).to_string();
        // The token of a profile is looked up again on 401, and is still the same.
        sandbox.fault("/api/v1/orders/1", Fault::status(status).body("application/json", &body));
        let outcome = world.run("api orders/1").code(code);
        assert_eq!(outcome.stdout, body);
        assert!(outcome.stderr.starts_with("error: "), "{}", outcome.stderr);
    }
    let outcome = world.run("api orders -f status=x -X").code(2);
    assert!(outcome.stdout.is_empty());
    let outcome = world.run("api GET orders -f status=x -o json").code(1);
    assert_eq!(outcome.json()["errors"]["status"][0], "The selected status is invalid.");
    assert_eq!(outcome.error()["causes"][0], "status: The selected status is invalid.");
}

#[test]
fn status_and_headers_come_first_where_they_are_asked_for() {
    let (world, sandbox) = logged_in();
    sandbox.fault(
        "/api/v1/profile",
        Fault::status(418).header("x-tea", "green").body("text/plain", "short and stout"),
    );
    let text = world.run("api -i profile").code(1).stdout;
    assert!(text.starts_with("HTTP 418 I'm a teapot\n"), "{text}");
    assert!(text.contains("\nx-tea: green\n") && text.ends_with("\n\nshort and stout"), "{text}");
}

#[test]
fn pages_come_one_after_another_or_in_one_list() {
    let (world, sandbox) = logged_in();
    let documents = |text: &str| {
        serde_json::Deserializer::from_str(text).into_iter().collect::<Result<Vec<Value>, _>>().unwrap()
    };
    let text = world.run("api orders?per_page=20 --paginate").ok().stdout;
    let pages = documents(&text);
    assert_eq!(pages.len(), 3);
    assert_eq!(text.lines().count(), 3, "a line each");
    let count =
        |pages: &[Value]| pages.iter().map(|page| page["orders"].as_array().unwrap().len()).sum::<usize>();
    assert_eq!(count(&pages), 57);
    assert!(text.contains(":9007199254740993.01,"));
    for format in ["", "-o json", "-o yaml"] {
        let text =
            world.run(&format!("api orders?page=2&per_page=20 --paginate --slurp {format}")).ok().stdout;
        if format == "-o yaml" {
            assert!(text.starts_with("---\n- orders:\n") && text.matches("---").count() == 1, "{text}");
            continue;
        }
        let list: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(count(&list), 37);
    }
    let yaml = world.run("api orders?per_page=50 --paginate -o yaml").ok().stdout;
    assert_eq!(yaml.matches("---\n").count(), 2);
    assert_eq!(documents(&world.run("api profile --paginate").ok().stdout).len(), 1);
    // It fails on the way.
    let page = r#"{"pagination":{"current_page":1,"last_page":3}}"#;
    for (second, says) in [
        (Fault::status(500), "status 500"),
        (
            Fault::status(200).body("application/json", page),
            "page 1 was answered where the page after 1 was requested",
        ),
        (Fault::status(200).body("application/json", "{}"), "the answer no longer says which page it is"),
        (Fault::status(200).body("text/html", "<html>"), "(HTML, status 200)"),
        (Fault::status(200).body("text/html", ""), "the answer is empty"),
    ] {
        for line in ["api orders --paginate --slurp", "api orders --paginate"] {
            sandbox.fault("/api/v1/orders", Fault::status(200).body("application/json", page));
            sandbox.fault("/api/v1/orders", second.clone());
            let outcome = world.run(line).code(1).says(says);
            assert!(outcome.stdout.contains(page), "{}", outcome.stdout);
            let unclosed = serde_json::from_str::<Value>(&outcome.stdout).is_err();
            assert!(unclosed || !line.contains("slurp"), "{}", outcome.stdout);
        }
    }
    // Laravel's own places for the numbers, which may be strings.
    for page in 1..=3 {
        let body = match page {
            1 => r#"{"data":[1],"meta":{"current_page":"1","last_page":"3"}}"#,
            2 => r#"{"current_page":2,"data":[2],"last_page":3}"#,
            _ => r#"{"data":{"rows":[3],"pagination":{"current_page":3,"last_page":3}}}"#,
        };
        sandbox.fault("/api/v1/orders", Fault::status(200).body("application/json", body));
    }
    assert_eq!(documents(&world.run("api orders --paginate").ok().stdout).len(), 3);
    // Nothing to page by is said once, however many profiles are asked.
    let unpaged = world.run("api profile --paginate").ok().stderr;
    assert!(unpaged.starts_with("warning: ") && unpaged.contains("all that --paginate shows"), "{unpaged}");
    world.log_in(&sandbox, "ada", "--profile other");
    assert_eq!(world.run("api profile --paginate --all-profiles").ok().stderr, unpaged);
    world.run("api orders --slurp").code(2);
    world.run("api POST orders --paginate").code(2);
}

#[test]
fn graphql_takes_fields_as_variables_and_its_errors_are_exit_1() {
    let (world, sandbox) = logged_in();
    let query = "query=query Q($n: Int!, $s: String) { orders(first: $n, status: $s) { total } }";
    let words = ["api", "graphql", "-f", query, "-F", "n=1", "-f", "operationName=Q", "-F", "s=null"];
    assert_eq!(world.run_words(&words).ok().stdout, "{\"data\":{\"orders\":[{\"total\":2999.00}]}}");
    let wrong = world.run_words(&["api", "graphql", "-f", "query={ nothing }"]).code(1);
    assert!(wrong.json()["errors"][0]["message"].is_string());
    wrong.says("error: GraphQL: Cannot query field \"nothing\" on type \"Query\".");
    let both = r#"{"data":{"a":1},"errors":[{"message":"Half."}]}"#;
    sandbox.fault("/api/v1/graphql", Fault::status(200).body("application/json", both));
    let half = world.run_words(&["api", "graphql", "-f", "query={ a }"]).code(1).says("GraphQL: Half.");
    assert_eq!(half.stdout, both);
    world.write("q.graphql", "{ orders(first: 1) { id } }");
    let file = format!("query=@{}", world.path("q.graphql").display());
    world.run_words(&["api", "/graphql", "-F", &file]).ok();
    for words in [vec!["api", "graphql"], vec!["api", "GET", "graphql"], vec!["api", "graphql", "--paginate"]]
    {
        world.run_words(&words).code(2).says("hint: autocom api graphql -f query=");
    }
}

#[test]
fn a_query_is_tried_again_and_a_mutation_is_not() {
    let (world, sandbox) = logged_in();
    // Where it asks to come back, nothing was done yet.
    let busy = || Fault::status(503);
    sandbox.fault("/api/v1/graphql", busy());
    world.run_words(&["api", "graphql", "-f", "query={ orders(first: 1) { id } }"]).ok();
    let before = sandbox.requests().len();
    sandbox.fault("/api/v1/graphql", busy());
    world.run_words(&["api", "graphql", "-f", "query=mutation { cancelOrder(id: 1) { id } }"]).code(1);
    assert_eq!(sandbox.requests().len(), before + 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_json_indented_and_nothing_that_steers_it() {
    let (world, sandbox) = logged_in();
    sandbox.fault("/api/v1/profile", Fault::status(200).body("application/json", "{\"a\":1.0}"));
    assert_eq!(world.run_in_terminal("api profile", 80).ok().stdout, "{\n  \"a\": 1.0\n}\n");
    sandbox.fault("/api/v1/profile", Fault::status(200).body("text/plain", "a\u{1b}[31mb\nc"));
    assert_eq!(world.run_in_terminal("api profile", 80).ok().stdout, "a [31mb\nc\n");
    // A harmless escape of the server's is harmless still, and what it sent raw becomes so; a pipe has its bytes.
    let body = "{\"\\u009b31m\":\"a\u{202e}b\"}";
    let fault = || Fault::status(200).body("application/json", body);
    for (line, shown) in [
        ("api profile", "{\n  \"\\u009b31m\": \"a\\u202eb\"\n}\n"),
        ("api profile -o json", "{\n  \"\\u009b31m\": \"a\\u202eb\"\n}\n"),
        ("api profile -o yaml", "---\n\"\\u009b31m\": \"a\\u202eb\"\n"),
    ] {
        sandbox.fault("/api/v1/profile", fault());
        assert_eq!(world.run_in_terminal(line, 80).ok().stdout, shown, "{line}");
    }
    sandbox.fault("/api/v1/profile", fault());
    assert_eq!(world.run("api profile").ok().stdout, body);
}

#[test]
fn a_jq_expression_filters_every_answer_that_can_be_json() {
    let (world, sandbox) = logged_in();
    sandbox.knobs(|knobs| _ = knobs.orders_count.insert("acme".to_owned(), 120));
    for (words, stdout) in [
        (&["profiles", "list", "--jq", ".[].name"][..], "shop\n"),
        (&["whoami", "--jq", "{email, tenant}"], "{\"email\":\"ada@example.test\",\"tenant\":\"acme\"}\n"),
        (&["orders", "list", "--all", "--jq", "length"], "120\n"),
        (&["orders", "list", "--limit", "1", "--jq", ".[].total"], "2999.00\n"),
        (&["api", "profile", "--jq", ".email"], "ada@example.test\n"),
        (&["api", "orders?per_page=50", "--paginate", "--jq", ".orders | length"], "50\n50\n20\n"),
        (
            &["api", "orders?per_page=50", "--paginate", "--slurp", "--jq", "map(.orders | length)"],
            "[50,50,20]\n",
        ),
        (&["api", "profile", "--all-profiles", "--jq", ".[].response.email"], "ada@example.test\n"),
        (&["config", "get", "tenant", "--jq", ".value"], "acme\n"),
    ] {
        assert_eq!(world.run_words(words).ok().stdout, stdout, "{words:?}");
    }
    let before = sandbox.requests().len();
    for (words, says) in [
        (&["api", "POST", "orders", "--jq", ".["][..], "cannot use the --jq expression: expected"),
        (&["api", "profile", "--jq", "nonsense"], "filter `nonsense` is not defined"),
        (&["api", "profile", "-o", "yaml", "--jq", "."], "--jq filters JSON, not yaml"),
        (&["exec", "--jq", ".", "--", "true"], "--jq does not apply to exec"),
    ] {
        world.run_words(words).code(2).says(says);
    }
    assert_eq!(sandbox.requests().len(), before);
    let outcome = world.run_words(&["api", "profile", "--jq", ".email.x"]).code(1);
    assert_eq!(outcome.says("error: cannot apply --jq: ").stdout, "");
    let missing = world.run_words(&["api", "missing", "--jq", ".orders[].id"]).code(5);
    assert_eq!(missing.says("not found").stdout, "");
}

#[test]
fn a_method_is_a_word_or_an_option_and_slips_of_shells_are_named_before_anything_is_sent() {
    let (world, sandbox) = logged_in();
    let before = sandbox.requests().len();
    world.run("api -X delete orders/1").code(1);
    world.run("api orders/1 --method=DELETE").code(1);
    let methods: Vec<_> = sandbox.requests().into_iter().skip(before).map(|request| request.method).collect();
    assert_eq!(methods, ["DELETE", "DELETE"]);
    let before = sandbox.requests().len();
    for (line, hint) in [
        ("api -X GET POST orders", "autocom api -X METHOD PATH"),
        ("api -X FETCH orders", "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, then PATH"),
        ("api /api/v1/profile", "hint: autocom api profile\n"),
        ("api api/v1/orders?page=2", "hint: autocom api 'orders?page=2'\n"),
        ("api C:/Git/orders", "hint: omit the leading slash: autocom api orders\n"),
        ("api C:/Program_Files/Git/orders/7", "hint: omit the leading slash: autocom api orders/7\n"),
        ("api orders --paginate --slurp -i", "cannot be used with"),
    ] {
        world.run(line).code(2).says(hint);
    }
    assert_eq!(sandbox.requests().len(), before);
}

#[test]
fn json_is_sent_in_utf_8_whatever_the_editor_wrote() {
    let (world, sandbox) = logged_in();
    let orders = world.run("api orders?per_page=1 --jq .orders[0].id").ok().stdout;
    let body = r#"{"status":"shipped"}"#;
    let utf_16 =
        |bytes: fn(u16) -> [u8; 2]| format!("\u{feff}{body}\r\n").encode_utf16().flat_map(bytes).collect();
    let files: [Vec<u8>; 3] =
        [format!("\u{feff}{body}\r\n").into_bytes(), utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes)];
    for file in files {
        std::fs::write(world.home().join("body.json"), file).unwrap();
        let line = format!("api PATCH orders/{} --input body.json --jq .order.status", orders.trim());
        assert_eq!(world.run(&line).ok().stdout, "shipped\n");
    }
    std::fs::write(world.home().join("body.json"), b"\xff\xfe{\0\x00\xd8").unwrap();
    let before = sandbox.requests().len();
    world
        .run("api POST orders --input body.json")
        .code(2)
        .says("cannot read `body.json`: invalid UTF-8 or UTF-16");
    assert_eq!(sandbox.requests().len(), before);
    // Other content is none of ours.
    world
        .run_words(&["api", "POST", "orders", "-H", "Content-Type: text/csv", "--input", "body.json"])
        .code(1);
    assert_eq!(sandbox.requests().pop().unwrap().body_length, 6);
}
