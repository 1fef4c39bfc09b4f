//! A login that can't get stuck: the browser on another machine, the address pasted by hand, an SSH
//! session, and Ctrl-C at every moment.

use std::fs::File;

use rustix::process::Signal;

use crate::platform::{CLIENT_ID, Fault, Gate, Request, Sandbox, Visited, Visitor, visit_blocking};
use crate::support::World;
use crate::support::http::get;
use crate::support::platform::sandbox;
use crate::support::ports::CallbackPorts;
use crate::support::world::{DEADLINE, Running, until};

/// Where a browser that can't reach this machine ends.
fn address(url: &str) -> String {
    match visit_blocking(url, Visitor::approving("ada").without_delivery()).unwrap() {
        Visited::Callback(address) => address,
        other => panic!("{other:?}"),
    }
}

fn line(sandbox: &Sandbox, more: &str) -> String {
    format!("auth login --api-url {} --client-id {CLIENT_ID} {more}", sandbox.api_url())
}

/// A terminal as wide as any URL, in which a login waits for its browser.
fn in_terminal(world: &World, sandbox: &Sandbox, before: &str, after: &str) -> (Running, String) {
    let program = env!("CARGO_BIN_EXE_autocom");
    let script = format!("stty cols 500; {before} '{program}' {} ; {after}", line(sandbox, ""));
    let mut login = world.start_script_in_terminal(&script);
    let url = login.login_url();
    (login, url)
}

#[test]
fn in_a_terminal_the_address_can_be_pasted_while_the_browser_is_waited_for() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let (mut login, url) = in_terminal(&world, &sandbox, "", "echo \"ended $?\"; stty -a");
    login.line_with("paste the address that it ends on");
    let address = address(&url);
    let (_, code) = address.split_once("code=").unwrap();
    world.plant(code.split('&').next().unwrap());
    login.types("what now?\n");
    login.line_with("that is not the address that the browser ends on");
    login.types(&format!("{}\n", address.replace("state=", "state=other")));
    login.line_with("belongs to another login");
    login.types(&format!("typed before\u{15}{address}\n"));
    let outcome = login.finish();
    let screen = &outcome.stderr;
    assert!(screen.contains("Logged in as Ada Lovelace") && screen.contains("ended 0"), "{screen}");
    // The terminal is as it was, and what was pasted into it was not shown: `world` looks for the code.
    assert!(screen.contains(" echo ") && screen.contains(" icanon"), "{screen}");
}

#[test]
fn without_a_browser_a_terminal_takes_an_address_of_any_length_and_asks_again() {
    let (world, sandbox) = (World::new(), sandbox());
    let program = env!("CARGO_BIN_EXE_autocom");
    let script =
        format!("stty cols 500; '{program}' {}; echo \"ended $?\"; stty -a", line(&sandbox, "--no-browser"));
    let mut login = world.start_script_in_terminal(&script);
    let address = address(&login.login_url());
    login.line_with("paste it here");
    // A terminal hands a line of more than 4,095 bytes to nobody.
    let long = address.replace("state=", &format!("padding={}&state=", "x".repeat(6000)));
    let (_, code) = address.split_once("code=").unwrap();
    world.plant(code.split('&').next().unwrap());
    login.types(&format!("{}\n", &long[..5000]));
    login.line_with("cut off");
    login.types(&format!("{}\n", long.replace("state=", "state=other")));
    login.line_with("belongs to another login");
    login.types(&format!("{long}\n"));
    let outcome = login.finish();
    let screen = &outcome.stderr;
    assert!(screen.contains("Logged in as Ada Lovelace") && screen.contains("ended 0"), "{screen}");
    assert!(screen.contains(" echo ") && screen.contains(" icanon"), "{screen}");
}

#[test]
fn a_denial_that_is_pasted_ends_the_wait() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let (mut login, url) = in_terminal(&world, &sandbox, "", "exit $?");
    let address = visit_blocking(&url, Visitor::denying("ada").without_delivery()).unwrap();
    let Visited::Callback(address) = address else { panic!("{address:?}") };
    login.types(&format!("{address}\n"));
    let outcome = login.finish().code(4);
    assert!(outcome.stderr.contains("the login was denied"), "{}", outcome.stderr);
}

#[test]
fn the_browser_s_own_way_back_still_works_in_a_terminal_and_the_next_question_gets_its_keys() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let (mut login, url) = in_terminal(&world, &sandbox, "", "exit $?");
    // Mary is in three tenants, and none of them is her current one.
    let browser = std::thread::spawn(move || visit_blocking(&url, Visitor::approving("mary")).map(drop));
    login.line_with("Which tenant?");
    login.types("glob\r");
    let outcome = login.finish().ok();
    browser.join().unwrap().unwrap();
    assert!(outcome.stderr.contains("tenant globex"), "{}", outcome.stderr);
}

#[test]
fn in_an_ssh_session_without_a_display_it_says_how_the_browser_gets_here() {
    let _ports = CallbackPorts::take();
    let (mut world, sandbox) = (World::new(), sandbox());
    world.unset("BROWSER").set("USER", "ada").set("SSH_CONNECTION", "198.51.100.7 50022 203.0.113.9 2222");
    let mut login = world.start(&line(&sandbox, ""));
    login.line_with("SSH session without a display");
    let url = login.login_url();
    let (_, rest) = url.split_once("127.0.0.1%3A").unwrap();
    let port = &rest[..4];
    login.line_with(&format!("It ends at port {port} of this machine"));
    login.line_with(&format!("  ssh -p 2222 -L {port}:127.0.0.1:{port} ada@203.0.113.9"));
    login.line_with(&format!("autocom {}--no-browser", line(&sandbox, "")));
    visit_blocking(&url, Visitor::approving("ada")).unwrap();
    login.finish().ok();
    // With a display, or a browser that knows its way, it is a login like any other.
    for (name, value) in [("DISPLAY", ":9"), ("BROWSER", "true")] {
        let mut world = World::new();
        world.set("SSH_CONNECTION", "a 1 b 22").set(name, value);
        let mut login = world.start(&line(&sandbox, ""));
        login.line_with("Opening a browser");
        login.interrupt();
        login.finish().code(130);
    }
}

/// Nobody is logged in, nothing lies about, and what the platform granted is dead.
fn nothing_is_left(world: &World, sandbox: &Sandbox) {
    assert_eq!(world.files(), <[String; 3]>::default());
    for folder in ["", "locks"] {
        for entry in std::fs::read_dir(world.path(folder)).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name == "locks" || name.ends_with(".lock"), "{name} was left behind");
        }
    }
    assert!(!sandbox.has_live_tokens("ada"), "a token that nobody has is good");
}

/// What makes a moment of a login last, and holds on to it.
type Slow<'a> = &'a dyn Fn(&World, &Sandbox, &Gate) -> Option<File>;
/// The request during which, or (`true`) after which the signal comes.
type During = Option<(&'static str, bool)>;

#[test]
fn a_signal_leaves_nothing_behind_whenever_it_comes() {
    let _ports = CallbackPorts::take();
    let nothing: Slow<'_> = &|_, _, _| None;
    let late_token: Slow<'_> = &|_, sandbox, gate| {
        sandbox.fault("/oauth/token", Fault::late().behind(gate));
        None
    };
    let silent_profile: Slow<'_> = &|_, sandbox, _| {
        sandbox.fault("/api/v1/profile", Fault::hang());
        None
    };
    let another_login: Slow<'_> = &|world, _, _| {
        std::fs::create_dir_all(world.path("locks")).unwrap();
        let lock = File::create(world.path("locks/login.lock")).unwrap();
        lock.lock().unwrap();
        Some(lock)
    };
    let cases: [(&str, Slow<'_>, During); 4] = [
        ("waiting for the browser", nothing, None),
        ("while the code is exchanged", late_token, Some(("/oauth/token", false))),
        ("while the platform is asked who it is", silent_profile, Some(("/api/v1/profile", false))),
        ("while another login is waited for", another_login, Some(("/api/v1/profile", true))),
    ];
    for (case, slow, during) in cases {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
            let (world, sandbox) = (World::new(), sandbox());
            let gate = Gate::shut();
            let _held = slow(&world, &sandbox, &gate);
            let mut login = world.start(&line(&sandbox, ""));
            let url = login.login_url();
            let browser = std::thread::spawn(move || {
                let who = Visitor::approving("ada");
                visit_blocking(&url, if during.is_some() { who } else { Visitor::abandoning("ada") })
                    .map(drop)
            });
            let (path, answered) = during.unwrap_or(("/login", false));
            let wanted = |request: &Request| request.path == path && (!answered || request.status.is_some());
            sandbox.wait_for_request(wanted, DEADLINE).unwrap();
            login.signal(signal);
            if path == "/oauth/token" {
                login.line_with("Revoking the new token");
                gate.open();
            }
            let outcome = login.finish();
            assert_eq!(outcome.code, code, "{case}: {}", outcome.stderr);
            let _ = browser.join().unwrap();
            nothing_is_left(&world, &sandbox);
        }
    }
}

#[test]
fn a_login_that_was_stopped_and_brought_back_goes_on() {
    let _ports = CallbackPorts::take();
    let (mut world, sandbox) = (World::new(), sandbox());
    // It takes the address that is added as its name, and succeeds: no other browser is tried.
    world.set("BROWSER", "sh -c 'touch opened'");
    let mut shell = world.start_script_in_terminal("exec bash --norc --noprofile -i");
    shell.types(&format!(
        "stty cols 500; PS1=; '{}' {}\n",
        env!("CARGO_BIN_EXE_autocom"),
        line(&sandbox, "")
    ));
    let url = shell.login_url();
    // A stop that comes while the browser is being started stops it instead of us.
    assert!(until(|| world.home().join("opened").exists()));
    shell.types("\u{1a}");
    shell.line_with("Stopped");
    // In the background too it waits for its browser, and is not stopped for looking at the keyboard.
    shell.types("bg\n");
    shell.line_with("&");
    let callback = url::Url::parse(&url).unwrap();
    let (_, redirect) = callback.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap();
    assert_eq!(get(&redirect.replace("/callback", "/nothing")).0, 404);
    shell.types("fg\n");
    shell.line_with("auth login");
    shell.types(&format!("{}\n", address(&url)));
    shell.line_with("Logged in as Ada Lovelace");
    shell.types("exit\n");
    shell.finish();
}

#[test]
fn a_terminal_is_as_it_was_after_a_login_that_was_told_to_stop() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let (mut login, _) = in_terminal(&world, &sandbox, "timeout --foreground 2", "stty -a; exit");
    login.line_with("interrupted");
    let screen = login.finish().stderr;
    assert!(screen.contains(" echo ") && screen.contains(" icanon"), "{screen}");
}

#[test]
fn ctrl_c_at_the_question_for_a_tenant_revokes_what_was_granted() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let (mut login, url) = in_terminal(&world, &sandbox, "", "exit $?");
    let browser = std::thread::spawn(move || visit_blocking(&url, Visitor::approving("mary")).map(drop));
    login.line_with("Which tenant?");
    login.types("\u{3}");
    login.finish().code(130);
    let _ = browser.join().unwrap();
    assert!(!sandbox.has_live_tokens("mary"));
    assert_eq!(world.files(), <[String; 3]>::default());
}

/// A login of grace in a terminal, over that of ada, at its question.
fn over_ada(world: &World, sandbox: &Sandbox, before: &str) -> Running {
    let (mut login, url) = in_terminal(world, sandbox, before, "code=$?; stty -a; exit $code");
    login.types(&format!(
        "{}\n",
        match visit_blocking(&url, Visitor::approving("grace").without_delivery()) {
            Ok(Visited::Callback(address)) => address,
            other => panic!("{other:?}"),
        }
    ));
    login.line_with("Logging in to profile local as grace@example.test");
    login
}

#[test]
fn a_terminal_asks_before_another_user_s_login_is_replaced() {
    let _ports = CallbackPorts::take();
    let question = "Replace the OAuth login of ada@example.test on 127.0.0.1";
    for (keys, code) in [("n\r", 1), ("\r", 1), ("\u{3}", 130), ("y\r", 0)] {
        let (world, sandbox) = (World::new(), sandbox());
        world.log_in_by_oauth(&sandbox);
        let before = world.files();
        let mut login = over_ada(&world, &sandbox, "");
        login.types(keys);
        let outcome = login.finish().code(code);
        let screen = &outcome.stderr;
        // Ctrl-C may come before the question.
        let is_asked = screen.contains(question) && screen.contains("and revoke its");
        assert!(is_asked || code == 130, "{keys:?}: {screen}");
        assert_eq!(world.files() == before, code != 0, "{keys:?}");
        let live = ["ada", "grace"].map(|user| sandbox.has_live_tokens(user));
        assert_eq!(live, [code != 0, code == 0], "{keys:?}");
        assert!(!screen.contains("warning"), "{screen}");
    }
}

#[test]
fn a_signal_at_the_question_whether_to_replace_revokes_what_was_granted() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in_by_oauth(&sandbox);
    let before = world.files();
    let login = over_ada(&world, &sandbox, "sh -c 'echo $$ > pid; exec \"$0\" \"$@\"'");
    let id = std::fs::read_to_string(world.home().join("pid")).unwrap();
    let id = rustix::process::Pid::from_raw(id.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(id, Signal::TERM).unwrap();
    let screen = login.finish().code(143).stderr;
    assert!(screen.contains(" echo ") && screen.contains(" icanon"), "{screen}");
    assert_eq!(world.files(), before);
    assert_eq!(["ada", "grace"].map(|user| sandbox.has_live_tokens(user)), [true, false]);
}

#[test]
fn only_the_login_that_was_asked_about_is_replaced() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    world.log_in_by_oauth(&sandbox);
    let mut login = over_ada(&world, &sandbox, "");
    let token = world.log_in(&sandbox, "mary", "--tenant acme");
    login.types("y\r");
    let outcome = login.finish().ok();
    let screen = &outcome.stderr;
    assert!(screen.contains(&format!("the credential `{url}` is now mary@example.test's")), "{screen}");
    assert_eq!(world.stored(&url, "access_token"), token);
    assert_eq!(world.stored("local", "user_email"), "grace@example.test");
    assert!(sandbox.accepts(&token) && sandbox.has_live_tokens("grace"));
}
