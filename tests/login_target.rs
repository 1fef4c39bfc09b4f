//! Which profile a login ends in, what it writes to `config.toml`, under which key, in which tenant.

use std::time::Duration;

use crate::platform::{CLIENT_ID, Fault, Sandbox, Visited, Visitor, visit_blocking};
use crate::support::World;
use crate::support::platform::sandbox;
use crate::support::ports::CallbackPorts;

/// The active profile by the files alone.
fn active(world: &World) -> String {
    world.run("profiles current").ok().stdout.trim().to_owned()
}

// Which profile

#[test]
fn a_url_alone_makes_a_profile_named_after_its_host_and_activates_it() {
    let (world, one, two) = (World::new(), sandbox(), sandbox());
    world.log_in(&one, "ada", "");
    assert_eq!(active(&world), "local");
    world.log_in(&two, "ada", "");
    assert_eq!(active(&world), "local-2", "local is taken");
    let config = format!(
        "profile = \"local-2\"\n\n[profiles.local]\napi_url = \"{}\"\n\n[profiles.local-2]\napi_url = \"{}\"\n",
        one.api_url(),
        two.api_url()
    );
    assert_eq!(world.read("config.toml"), config);
    // The profile that is bound to it by now, in whatever spelling.
    world.log_in(&one, "ada", "");
    assert_eq!(active(&world), "local");
    let spelled = one.origin().replace("http", "HTTP") + "/api/v1/";
    world.login_with_token(&spelled, &one.mint_pat("ada", None), "").ok();
    assert_eq!(world.read("config.toml"), config.replace("profile = \"local-2\"", "profile = \"local\""));
}

#[test]
fn a_url_that_the_top_level_has_is_the_profile_default() {
    let (world, sandbox) = (World::new(), sandbox());
    let config = format!("profile = \"other\"\napi_url = \"{}\"\n[profiles.other]\n", sandbox.api_url());
    world
        .config(&config.replace("[profiles.other]", "[profiles.other]\napi_url = \"https://o.test/api/v1\""));
    world.log_in(&sandbox, "ada", "");
    assert_eq!(active(&world), "default");
}

#[test]
fn a_named_profile_is_made_only_where_a_url_says_where() {
    let (world, sandbox) = (World::new(), sandbox());
    world.config(
        "api_url = \"https://prod.test/api/v1\"\n[profiles.staging]\napi_url = \"https://s.test/api/v1\"\n",
    );
    let before = world.files();
    let outcome = world.run_with_input("auth login --profile stagin --token-stdin", "t").code(2);
    outcome
        .says("there is no profile `stagin` (named by --profile)")
        .says("profiles that exist: staging, default");
    assert_eq!(world.files(), before, "a typo doesn't become the top level's environment");
    let token = sandbox.mint_pat("ada", None);
    world.login_with_token(&sandbox.api_url(), &token, "--profile eu").ok().says("Profile eu (new)");
    assert_eq!(world.tokens().last().unwrap(), &("eu".to_owned(), "valid".to_owned()));
    // A variable is not good enough.
    let mut world = World::new();
    world.set("AUTOCOM_API_URL", sandbox.api_url());
    world
        .run_with_input("auth login --profile eu --token-stdin", &token)
        .code(2)
        .says("there is no profile `eu`");
}

#[test]
fn a_name_that_would_share_a_token_variable_is_refused_before_anything_is_asked() {
    let (world, sandbox) = (World::new(), sandbox());
    world.config("[profiles.eu-west]\napi_url = \"https://eu.test/api/v1\"\n");
    let before = world.files();
    for name in ["eu_west", "EU-WEST", "DEFAULT"] {
        let token = sandbox.mint_pat("ada", None);
        let outcome = world.login_with_token(&sandbox.api_url(), &token, &format!("--profile {name}"));
        outcome.code(2).says("can't coexist").says("AUTOCOM_TOKEN_");
    }
    assert_eq!(world.files(), before);
    assert!(sandbox.requests().is_empty());
}

#[test]
fn a_profile_of_another_origin_is_not_rebound_by_a_login() {
    let (world, sandbox) = (World::new(), sandbox());
    world.config("[profiles.prod]\napi_url = \"https://prod.test/api/v1\"\n");
    let before = world.files();
    let outcome = world.login_with_token(&sandbox.api_url(), "hunter2", "--profile prod").code(2);
    outcome.says("https://prod.test/api/v1").says(&sandbox.api_url()).says("hint: autocom profiles set prod");
    assert_eq!(world.files(), before);
    assert!(sandbox.requests().is_empty());
}

#[test]
fn a_named_login_switches_only_when_asked_or_when_nothing_is_active_yet() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "--profile one");
    assert_eq!(active(&world), "one", "there was neither `profile` nor a top-level api_url");
    world.log_in(&sandbox, "ada", "--profile two");
    assert_eq!(active(&world), "one");
    world.log_in(&sandbox, "ada", "--profile two --use");
    assert_eq!(active(&world), "two");
    let world = World::new();
    world.config("api_url = \"https://prod.test/api/v1\"\n");
    world.log_in(&sandbox, "ada", "--profile one");
    assert_eq!(active(&world), "default");
}

#[test]
fn without_flags_the_selected_profile_is_logged_in() {
    let (world, sandbox) = (World::new(), sandbox());
    let config = format!("api_url = \"{}\"\ntenant = \"globex\"\n", sandbox.api_url());
    world.config(&config);
    let token = sandbox.mint_pat("ada", None);
    world.plant(&token);
    world.run_with_input("auth login --token-stdin", &token).ok().says("tenant globex");
    assert_eq!(world.read("config.toml"), config, "all that the login used was there");
    world.config("");
    world.run_with_input("auth login --token-stdin", &token).code(2).says("has no api_url").says("--api-url");
}

#[test]
fn several_profiles_of_one_url_need_a_name() {
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    world.config(&format!(
        "[profiles.a]\napi_url = \"{url}\"\ncredential = \"a\"\n[profiles.b]\napi_url = \"{url}\"\ncredential = \"b\"\n"
    ));
    let before = world.files();
    let outcome = world.login_with_token(&url, &sandbox.mint_pat("ada", None), "").code(2);
    outcome.says("several profiles are bound to").says("a, b").says("--profile a");
    assert_eq!(world.files(), before);
    // Of them, the one without a key of its own is the URL's.
    world.config(&world.read("config.toml").replace("credential = \"b\"\n", ""));
    world.login_with_token(&url, &sandbox.mint_pat("ada", None), "").ok().says("Profile b ");
}

#[test]
fn a_url_from_a_variable_creates_and_switches_nothing() {
    let (mut world, sandbox) = (World::new(), sandbox());
    world.set("AUTOCOM_API_URL", sandbox.api_url());
    let token = sandbox.mint_pat("ada", None);
    world.plant(&token);
    world.run_with_input("auth login --token-stdin", &token).ok().says("Logged in as Ada");
    world.run_with_input("auth login --token-stdin --use", &token).code(2).says("--use needs a profile");
    assert_eq!(world.read("config.toml"), "");
    world.run("whoami").ok().prints("ada@example.test");
    // Nor does it rebind the profile that a variable names.
    let config = "[profiles.prod]\napi_url = \"https://prod.test/api/v1\"\n";
    world.config(config).run("auth logout --local-only").ok();
    world.set("AUTOCOM_PROFILE", "prod");
    world.run_with_input("auth login --token-stdin", &token).ok();
    assert_eq!(world.read("config.toml"), config);
    assert_eq!(world.record(&sandbox.api_url())["user_email"], "ada@example.test");
}

// What is written

#[test]
fn only_what_the_files_do_not_resolve_to_is_written() {
    let _ports = CallbackPorts::take();
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    let config = format!("tenant = \"acme\"\nclient_id = \"old\"\n\n[profiles.local]\napi_url = \"{url}\"\n");
    world.config(&config);
    world.browse(&sandbox, Visitor::approving("ada"), "--tenant globex").0.ok();
    let written = format!("{config}client_id = \"{CLIENT_ID}\"\n");
    assert_eq!(
        world.read("config.toml"),
        format!("profile = \"local\"\n{written}").replace(
            "profile = \"local\"\ntenant = \"acme\"\nclient_id = \"old\"\n",
            "tenant = \"acme\"\nclient_id = \"old\"\nprofile = \"local\"\n"
        )
    );
    let again = world.files();
    world.log_in(&sandbox, "ada", "");
    assert_eq!(world.read("config.toml"), again[0], "it says all of it now");
}

#[test]
fn a_value_from_a_variable_is_used_and_not_written() {
    let (mut world, sandbox) = (World::new(), sandbox());
    world.set("AUTOCOM_TENANT", "globex");
    world.log_in(&sandbox, "ada", "");
    assert_eq!(world.record(&sandbox.api_url())["tenant"], "globex");
    assert!(!world.read("config.toml").contains("globex"));
}

#[test]
fn a_chosen_store_is_remembered() {
    let (mut world, sandbox) = (World::new(), sandbox());
    world.unset("AUTOCOM_STORE");
    world.log_in(&sandbox, "ada", "--store file");
    assert!(world.read("config.toml").contains("store = \"file\"\n"));
    let outcome =
        world.login_with_token(&sandbox.api_url(), &sandbox.mint_pat("ada", None), "--store keychain");
    outcome.code(6).says("there is no keychain here");
    assert!(world.read("config.toml").contains("store = \"file\"\n"));
}

#[test]
fn without_a_keychain_the_file_is_used_and_that_is_said_first() {
    let (mut world, sandbox) = (World::new(), sandbox());
    world.unset("AUTOCOM_STORE");
    let token = sandbox.mint_pat("ada", None);
    let outcome = world.login_with_token(&sandbox.api_url(), &token, "--quiet").ok();
    assert_eq!(outcome.stderr.matches("there is no keychain here").count(), 1, "{}", outcome.stderr);
    outcome.says(&world.path("credentials").display().to_string()).says("plain text");
    world.set("AUTOCOM_STORE", "file");
    let outcome = world.login_with_token(&sandbox.api_url(), &token, "--quiet").ok();
    // Also with `store = file`: no plaintext secret is written without a warning.
    outcome.says("plain text");
}

#[cfg(unix)]
#[test]
fn a_config_that_cannot_be_written_costs_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let (mut world, sandbox) = (World::new(), sandbox());
    let folder = world.home().join("mounted");
    std::fs::create_dir(&folder).unwrap();
    let config = folder.join("config.toml");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(&config, "ring = \"edge\"\n").unwrap();
    world.set("AUTOCOM_CONFIG", config.display().to_string());
    world.heed_modes();
    for (path, mode) in [(&config, 0o444), (&folder, 0o555)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let outcome = world.login_with_token(&sandbox.api_url(), &sandbox.mint_pat("ada", None), "").ok();
    outcome.says("warning: logged in, but config.toml could not be changed").says("Logged in as Ada");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "ring = \"edge\"\n");
    // What was captured serves.
    let whoami = world.run(&format!("whoami -o json --api-url {}", sandbox.api_url())).ok().json();
    assert_eq!((&whoami["email"], &whoami["tenant"]), (&"ada@example.test".into(), &"acme".into()));
}

// Whose key

#[test]
fn a_second_user_of_a_shared_key_gets_a_key_of_their_own() {
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    world.log_in(&sandbox, "ada", "--profile one");
    world.log_in(&sandbox, "ada", "--profile two");
    let outcome = world.login_with_token(&url, &sandbox.mint_pat("grace", None), "--profile two").ok();
    outcome.says("profile one keeps the personal access token of ada@example.test").says("its own key `two`");
    assert_eq!(world.record(&url)["user_email"], "ada@example.test");
    assert_eq!(world.record("two")["user_email"], "grace@example.test");
    let email =
        |name: &str| world.run(&format!("whoami --profile {name} -o json")).ok().json()["email"].clone();
    assert_eq!((email("one"), email("two")), ("ada@example.test".into(), "grace@example.test".into()));
    assert!(world.read("config.toml").contains("credential = \"two\"\n"));
}

#[test]
fn the_own_key_is_numbered_where_the_name_is_taken() {
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    world.log_in(&sandbox, "ada", "--profile one");
    world.log_in(&sandbox, "ada", "--profile two");
    world.config(
        &(world.read("config.toml")
            + "[profiles.x]\napi_url = \"https://x.test/api/v1\"\ncredential = \"two\"\n"),
    );
    world.login_with_token(&url, &sandbox.mint_pat("grace", None), "--profile two").ok().says("key `two-2`");
    assert_eq!(world.record("two-2")["user_email"], "grace@example.test");
}

#[test]
fn the_same_user_or_an_unshared_key_needs_no_key_of_its_own() {
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    world.log_in(&sandbox, "ada", "--profile one");
    world.log_in(&sandbox, "grace", "--profile one");
    assert_eq!(world.record(&url)["user_email"], "grace@example.test", "nobody else used it");
    world.log_in(&sandbox, "grace", "--profile two");
    assert!(!world.read("config.toml").contains("credential"));
}

#[test]
fn a_key_of_its_own_that_could_not_be_written_down_is_refused() {
    let (mut world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "--profile one");
    world.config(&(world.read("config.toml") + "[profiles.prod]\napi_url = \"https://prod.test/api/v1\"\n"));
    let before = world.files();
    world.set("AUTOCOM_PROFILE", "prod").set("AUTOCOM_API_URL", sandbox.api_url());
    let token = sandbox.mint_pat("grace", None);
    let outcome = world.run_with_input("auth login --token-stdin", &token).code(2);
    outcome.says("ada@example.test").says("profile one").says("hint: ");
    assert_eq!(world.files(), before);
}

/// Logs ada in to a profile by OAuth.
fn log_in_by_oauth(world: &World, sandbox: &Sandbox, profile: &str) {
    world.log_in_by_paste(&format!("{} --profile {profile}", sandbox.api_url()), |url| match visit_blocking(
        url,
        Visitor::approving("ada").without_delivery(),
    )
    .unwrap()
    {
        Visited::Callback(callback) => callback,
        other => panic!("{other:?}"),
    });
}

#[test]
fn a_login_of_another_kind_leaves_that_of_another_profile_alone() {
    let ada = "of ada@example.test on 127.0.0.1";
    // A token beside an OAuth login.
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    log_in_by_oauth(&world, &sandbox, "one");
    let outcome = world.login_with_token(&url, &sandbox.mint_pat("ada", None), "--profile two").ok();
    outcome.says(&format!("profile one keeps the OAuth login {ada}")).says("its own key `two`");
    assert_eq!((world.stored(&url, "kind"), world.stored("two", "kind")), ("oauth".into(), "pat".into()));
    world.run("auth logout --profile two").ok();
    world.run("whoami --check --profile one").ok();
    // And the other way round.
    let (world, sandbox) = (World::new(), self::sandbox());
    let token = world.log_in(&sandbox, "ada", "--profile one");
    log_in_by_oauth(&world, &sandbox, "two");
    assert_eq!(world.stored("two", "kind"), "oauth");
    world.run("auth logout --profile two").ok();
    assert!(sandbox.accepts(&token));
    world.run("whoami --check --profile one").ok();
}

#[test]
fn a_login_of_another_kind_says_what_it_replaces_and_revokes_nothing() {
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    world.log_in_by_oauth(&sandbox);
    let oauth = world.stored(&url, "access_token");
    let token = sandbox.mint_pat("ada", None);
    let outcome = world.login_with_token(&url, &token, "").ok();
    outcome
        .says("this personal access token replaces the OAuth login of ada@example.test")
        .says("whose tokens were not revoked");
    assert_eq!(world.stored(&url, "kind"), "pat");
    world.log_in_by_oauth(&sandbox);
    assert_eq!(world.stored(&url, "kind"), "oauth");
    assert!(sandbox.accepts(&oauth) && sandbox.accepts(&token));
}

#[test]
fn the_replaced_login_of_another_user_is_revoked_whole() {
    let json = |status| Fault::status(status).body("application/json", "{}");
    let cases = [
        (None, "whose tokens were revoked"),
        (Some("/oauth/token"), "whose refresh token may still work: the platform failed with status 500"),
        (Some("/api/v1/auth/logout"), "whose tokens may still work: the platform failed with status 500"),
    ];
    for (fault, fate) in cases {
        let (world, sandbox) = (World::new(), sandbox());
        let url = sandbox.api_url();
        // An access token that has ended is no reason to leave its refresh token.
        sandbox.knobs(|knobs| knobs.access_ttl_seconds = if fault.is_none() { 1 } else { 3600 });
        world.log_in_by_oauth(&sandbox);
        sandbox.turn_clock(Duration::from_secs(60));
        let tokens = ["access_token", "refresh_token"].map(|token| world.stored(&url, token));
        if let Some(path) = fault {
            sandbox.fault(path, json(500));
        }
        let outcome = world.login_with_token(&url, &sandbox.mint_pat("grace", None), "").ok();
        outcome
            .says("warning: this personal access token replaces the OAuth login of ada@example.test on 127.0.0.1")
            .says(fate);
        assert_eq!(world.stored(&url, "user_email"), "grace@example.test");
        // The refresh token is used up even where nothing can be revoked.
        let alive = tokens.map(|token| sandbox.accepts(&token));
        assert_eq!(alive, [false, fault == Some("/oauth/token")], "{fate}");
        assert_eq!(sandbox.has_live_tokens("ada"), fault == Some("/api/v1/auth/logout"), "{fate}");
    }
}

#[test]
fn nothing_is_revoked_that_is_still_used_or_may_be() {
    // Another profile uses it.
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    log_in_by_oauth(&world, &sandbox, "one");
    log_in_by_oauth(&world, &sandbox, "two");
    world.log_in(&sandbox, "grace", "--profile two");
    world.run("whoami --check --profile one").ok().prints("ada@example.test");
    // A running command of the same user may.
    let older = world.stored(&url, "access_token");
    log_in_by_oauth(&world, &sandbox, "one");
    assert_ne!(world.stored(&url, "access_token"), older);
    assert!(sandbox.accepts(&older));
    // Whatever else has the personal access token.
    let token = world.log_in(&sandbox, "mary", "--profile two --tenant acme");
    let outcome = world.login_with_token(&url, &sandbox.mint_pat("grace", None), "--profile two").ok();
    outcome
        .says("warning: this personal access token replaces the personal access token of mary@example.test")
        .says("which was not revoked");
    assert!(sandbox.accepts(&token));
}

// In which tenant

#[test]
fn the_tenant_is_the_current_one_unless_one_is_named() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "");
    assert_eq!(world.record(&sandbox.api_url())["tenant"], "acme");
    // Mary is in several, none of them current.
    let mary = sandbox.mint_pat("mary", None);
    let before = world.files();
    let outcome = world.login_with_token(&sandbox.api_url(), &mary, "--profile local").code(2);
    outcome.says("acme, globex, initech").says("--tenant acme");
    assert_eq!(world.files(), before);
    world.login_with_token(&sandbox.api_url(), &mary, "--profile local --tenant initech").ok();
    assert_eq!(world.record(&sandbox.api_url())["tenant"], "initech");
    let nobody = sandbox.mint_pat("nobody", None);
    world.login_with_token(&sandbox.api_url(), &nobody, "").code(5).says("in no tenant");
}

#[test]
fn a_captured_tenant_counts_for_the_same_user_only() {
    let (world, sandbox) = (World::new(), sandbox());
    let tenant = || world.record(&sandbox.api_url())["tenant"].clone();
    world.login_with_token(&sandbox.api_url(), &sandbox.mint_pat("ada", None), "--tenant globex").ok();
    world.config(&world.read("config.toml").replace("tenant = \"globex\"\n", ""));
    world.run("auth logout").ok();
    world.log_in(&sandbox, "ada", "");
    assert_eq!(tenant(), "globex");
    // Mary is in it too, and still nobody chose it for her.
    let mary = sandbox.mint_pat("mary", None);
    world.login_with_token(&sandbox.api_url(), &mary, "").code(2).says("in several tenants");
    world.log_in(&sandbox, "grace", "");
    assert_eq!(tenant(), "initech");
}

#[test]
fn a_tenant_of_others_is_refused_with_the_list_of_theirs() {
    let (world, sandbox) = (World::new(), sandbox());
    let url = sandbox.api_url();
    for (tenant, status) in [("initech", 403), ("nowhere", 403), ("nowhere", 404)] {
        if status == 404 {
            sandbox.fault("/api/v1/profile", Fault::status(404));
        }
        let outcome =
            world.login_with_token(&url, &sandbox.mint_pat("ada", None), &format!("--tenant {tenant}"));
        outcome
            .code(5)
            .says(&format!("this user is not in the tenant `{tenant}` (from --tenant)"))
            .says("available tenants: acme, globex; choose one: autocom auth login ");
    }
    // Refused for another reason, in a tenant that is theirs or everywhere: the platform says why.
    let unverified = || Fault::status(403).body("application/json", r#"{"message":"Verify your email."}"#);
    for (tenant, times) in [("acme", 1), ("acme-corp", 2)] {
        sandbox.fault("/api/v1/profile", unverified().times(times));
        let outcome =
            world.login_with_token(&url, &sandbox.mint_pat("ada", None), &format!("--tenant {tenant}"));
        assert!(!outcome.code(5).says("error: not permitted: Verify your email.").stderr.contains("acme,"));
    }
    assert_eq!(world.files(), ["", "", ""]);
    world.config(&format!("api_url = \"{url}\"\ntenant = \"initech\"\n"));
    let token = sandbox.mint_pat("ada", None);
    world.run_with_input("auth login --token-stdin", &token).code(5).says("config.toml:2");
}

#[test]
fn a_readable_alias_is_taken_though_no_list_has_it() {
    let (world, sandbox) = (World::new(), sandbox());
    world.log_in(&sandbox, "ada", "--tenant acme-corp");
    assert_eq!(world.record(&sandbox.api_url())["tenant"], "acme-corp");
}

#[test]
fn without_a_client_id_the_error_says_how_to_get_one() {
    let (world, sandbox) = (World::new(), sandbox());
    let outcome = world.run(&format!("auth login --api-url {}", sandbox.api_url())).code(2);
    outcome.says("no client id is known for").says("--client-id ID").says("--token-stdin");
    assert_eq!(world.files(), ["", "", ""]);
}
