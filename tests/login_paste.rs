//! Login without a browser here: what may be pasted, and what each wrong paste gets.

use crate::platform::{CLIENT_ID, Options, Sandbox, Visited, Visitor, visit_blocking};
use crate::support::{Outcome, World};

/// Runs the login; `pasted` makes the input of the callback's URL at which a browser elsewhere ended.
fn paste(who: Visitor, pasted: impl FnOnce(&str) -> String) -> (Outcome, World, Sandbox) {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let api_url = sandbox.api_url();
    let mut login = world
        .start_open(&format!("auth login --no-browser -vvv --api-url {api_url} --client-id {CLIENT_ID}"));
    let url = login.login_url();
    assert!(url.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcallback"), "{url}");
    let walk = visit_blocking(&url, who.without_delivery()).unwrap();
    let Visited::Callback(callback) = walk else { panic!("{walk:?}") };
    if let Some(code) = code(&callback) {
        world.plant(&code);
    }
    login.input(&pasted(&callback));
    (login.finish(), world, sandbox)
}

fn ada() -> Visitor {
    Visitor::approving("ada")
}

fn code(callback: &str) -> Option<String> {
    let url = url::Url::parse(callback).unwrap();
    url.query_pairs().find(|(name, _)| name == "code").map(|(_, value)| value.into_owned())
}

#[test]
fn the_whole_address_logs_in() {
    let (outcome, world, sandbox) = paste(ada(), |callback| format!("{callback}\n"));
    outcome.ok().says("Logged in as Ada Lovelace");
    assert_eq!(world.record(&sandbox.api_url())["kind"], "oauth");
    assert_eq!(world.tokens(), [("local".to_owned(), "valid".to_owned())]);
}

#[test]
fn the_address_without_a_line_end_and_within_quotes_logs_in() {
    paste(ada(), |callback| format!("  '{callback}'")).0.ok();
}

#[test]
fn the_bare_code_logs_in() {
    paste(ada(), |callback| code(callback).unwrap()).0.ok();
}

#[test]
fn what_is_no_answer_of_this_login_is_refused_and_sends_nothing() {
    let refused = |pasted: &dyn Fn(&str) -> String, sentence: &str| {
        let (outcome, world, sandbox) = paste(ada(), |callback| pasted(callback));
        outcome.code(4).says(sentence).says("hint: ");
        assert_eq!(world.files(), ["", "", ""], "{sentence}");
        assert!(sandbox.requests().iter().all(|request| request.path != "/oauth/token"), "{sentence}");
    };
    refused(&|callback| callback.replace("state=", "state=x"), "another login");
    refused(&|callback| callback.replace("127.0.0.1:8765", "evil.test"), "evil.test");
    refused(&|_| String::new(), "nothing was pasted");
    refused(&|_| "{\"code\": 1}".to_owned(), "neither an address nor a code");
}

#[test]
fn a_pasted_denial_is_told_in_the_servers_words() {
    let (outcome, world, _) = paste(Visitor::denying("ada"), |callback| callback.to_owned());
    outcome.code(4).says("the login was denied: The resource owner or authorization server denied");
    assert_eq!(world.files(), ["", "", ""]);
}

#[test]
fn a_code_that_the_platform_does_not_know_is_refused_there() {
    let (outcome, world, _) = paste(ada(), |_| "not-a-code".to_owned());
    outcome.code(4).says("the platform refused the grant");
    assert_eq!(world.files(), ["", "", ""]);
}

#[test]
fn nobody_is_waited_for_longer_than_was_said() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let line = format!(
        "auth login --api-url {} --client-id {CLIENT_ID} --no-browser --timeout 1",
        sandbox.api_url()
    );
    let login = world.start_open(&line);
    login.finish().code(4).says("nothing was pasted within 1 second").says("--no-browser --timeout SECONDS");
}
