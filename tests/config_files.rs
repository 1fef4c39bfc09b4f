//! `config.toml` under every command that edits it, and what becomes of files that are odd or broken.

use std::fs;

use crate::platform::{Options, Sandbox};
use crate::support::{Outcome, World};

/// Comments wherever TOML allows them, and every way to write a table.
const NASTY: &str = include_str!("support/nasty.toml");

/// `NASTY` with these lines replaced, after the command.
fn edits(line: &str, changes: &[(&str, &str)]) {
    let world = World::new();
    world.config(NASTY).run(line).ok();
    let expected = changes.iter().fold(NASTY.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from:?}");
        text.replace(from, to)
    });
    assert_eq!(world.read("config.toml"), expected, "after `{line}`");
}

// A line that changes may lose a blank before a dot; no other line may lose anything.

#[test]
fn setting_a_value_changes_that_value_alone() {
    edits("config set ring canary", &[("\"edge\" # aligned", "\"canary\" # aligned")]);
    edits("config set no_telemetry false", &[("true   # aligned", "false   # aligned")]);
    edits("config set tenant globex", &[("\"\"\"acme\"\"\"", "\"globex\"")]);
    edits("config set profile dev", &[("'staging'", "\"dev\"")]);
    edits("profiles use ci", &[("'staging'", "\"ci\"")]);
    edits("config set profiles.dev.tenant b", &[("tenant = 'a' }", "tenant = \"b\" }")]);
    edits("config set tenant c --profile ci", &[("ci . tenant = \"b\"", "ci. tenant = \"c\"")]);
    let staging = "\"https://staging.test/api/v1\"   #";
    edits(
        "config set profiles.staging.api_url https://S.test/",
        &[(staging, "\"https://s.test/api/v1\"   #")],
    );
    edits("profiles set staging tenant=globex", &[("    tenant = \"acme\"\n", "    tenant = \"globex\"\n")]);
    edits("config set ring edge", &[]);
}

#[test]
fn a_new_value_goes_to_its_table_and_a_new_profile_to_the_end() {
    edits("config set output json", &[("   3] } # kept\n", "   3] } # kept\noutput = \"json\"\n")]);
    edits(
        "profiles set prod-eu tenant=a",
        &[("https://eu.test/api/v1\"\n", "https://eu.test/api/v1\"\ntenant = \"a\"\n")],
    );
    edits("profiles set dev store=file", &[("tenant = 'a' }", "tenant = 'a', store = \"file\" }")]);
}

#[test]
fn removing_a_value_keeps_the_comments_around_it() {
    edits("config unset ring", &[("ring         = \"edge\" # aligned\n", "")]);
    edits("config unset future", &[("future.key = { nested = [1, 2,\n   3] } # kept\n", "")]);
    edits("config unset profiles.staging.tenant", &[("    tenant = \"acme\"\n", "")]);
    edits("profiles set prod-eu credential=", &[("credential = \"eu\"\n", "")]);
    edits("config unset profile", &[("  profile   =   'staging'   # by hand\n", "")]);
    edits(
        "config unset profiles.staging.api_url",
        &[("    api_url = \"https://staging.test/api/v1\"   # with a comment\n", "")],
    );
    edits("config unset credential", &[]);
}

#[test]
fn renaming_changes_the_name_alone() {
    edits("profiles rename prod-eu eu", &[("[profiles.\"prod-eu\"]", "[profiles.eu]")]);
    edits(
        "profiles rename staging stage",
        &[("'staging'", "\"stage\""), ("[ profiles . staging ]", "[ profiles. stage ]")],
    );
    edits("profiles rename dev develop", &[("\ndev = {", "\ndevelop = {")]);
}

#[test]
fn removing_a_profile_leaves_every_other_as_it_was() {
    edits(
        "profiles remove dev",
        &[("# short\ndev = { api_url = \"https://dev.test/api/v1\", tenant = 'a' } # inline\n", "")],
    );
    edits(
        "profiles remove prod-eu",
        &[(
            "# before prod\n[profiles.\"prod-eu\"]\ncredential = \"eu\"\napi_url = \"https://eu.test/api/v1\"\n",
            "",
        )],
    );
}

#[test]
fn line_ends_of_windows_stay() {
    let world = World::new();
    let crlf = NASTY.replace('\n', "\r\n");
    world.config(&crlf).run("config set ring canary").ok();
    assert_eq!(world.read("config.toml"), crlf.replace("\"edge\"", "\"canary\""));
    world.run("profiles set new api_url=https://new.test").ok();
    assert!(!world.read("config.toml").replace("\r\n", "").contains('\n'));
}

#[test]
fn a_login_edits_as_carefully() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let text = NASTY.replace("https://staging.test/api/v1", &sandbox.api_url());
    world.config(&text);
    let token = sandbox.mint_pat("ada", None);
    world.login_with_token(&sandbox.api_url(), &token, "").ok();
    assert_eq!(world.read("config.toml"), text, "all of it was there");
    world.login_with_token(&sandbox.api_url(), &token, "--profile new").ok();
    let written = world.read("config.toml");
    let new = format!("new = {{ api_url = \"{}\" }}\n", sandbox.api_url());
    assert_eq!(written, text.replace("ci . tenant = \"b\"\n", &format!("ci . tenant = \"b\"\n{new}")));
    world.run("logout --all").ok();
    assert_eq!(world.read("config.toml"), written);
}

#[test]
fn the_flat_file_of_an_older_client_works_unchanged() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let flat = format!(
        "api_url = \"{}\"\ntenant = \"globex\"\noutput = \"json\"\nring = \"stable\"\nno_telemetry = true\n",
        sandbox.api_url()
    );
    world.config(&flat);
    assert_eq!(world.run("profiles current -o json").ok().json()["name"], "default");
    let token = sandbox.mint_pat("ada", None);
    world.plant(&token);
    world.run_with_input("login --token-stdin", &token).ok();
    let whoami = world.run("whoami").ok().json();
    assert_eq!((&whoami["tenant"], &whoami["profile"]), (&"globex".into(), &"default".into()));
    assert_eq!(world.run("profiles list").ok().json()[0]["name"], "default");
    assert_eq!(world.run("config get ring -o table").ok().stdout, "stable\n");
    world.run("logout").ok();
    assert_eq!(world.read("config.toml"), flat);
}

/// Runs commands that read the file, and some that would edit it; all must refuse, none may write.
fn refused(text: &str, says: &[&str]) {
    let world = World::new();
    world.config(text);
    for line in [
        "profiles list",
        "whoami",
        "config list",
        "config set tenant acme",
        "profiles set x api_url=https://x.test",
        "login --api-url https://x.test --client-id x",
        "logout",
    ] {
        let outcome = world.run(line).code(2);
        says.iter().fold(outcome, |outcome, text| outcome.says(text));
    }
    assert_eq!(world.read("config.toml"), text);
    world.run("config path").ok().prints("config.toml");
}

#[test]
fn what_is_not_toml_is_refused_with_its_place_and_never_rewritten() {
    refused("api_url = \"https://a.test\"\ntenant = acme\n", &["config.toml:2:10: "]);
    refused("# ü\n[profiles.a\n", &["config.toml:2:12: "]);
    refused("tenant = \"a\"\ntenant = \"b\"\n", &["config.toml:2:1: "]);
    refused("profiles = 1\n", &["config.toml:1: `profiles` must be a table"]);
}

/// A file with one good profile, the active one, and from its fifth line on with `bad`.
fn beside_a_good_one(bad: &str) -> World {
    let world = World::new();
    let good = "profile = \"dev\"\n[profiles.dev]\napi_url = \"https://dev.test\"\n\n";
    world.config(&format!("{good}{bad}"));
    world
}

/// Every way in which a table of `profiles` can't be a profile: its lines, its name, and what is said of it.
const IMPOSSIBLE: [(&str, &str, &str); 8] = [
    ("[profiles.\"x y\"]\n", "x y", ":5: the profile name `x y` must be"),
    ("[profiles.\"a.b\"]\n", "a.b", ":5: the profile name `a.b` must be"),
    ("[profiles.\"\"]\n", "", ":5: the profile name `` must be"),
    ("[profiles.\"é\"]\n", "é", ":5: the profile name `é` must be"),
    ("[profiles.default]\n", "default", ":5: `[profiles.default]` can't be"),
    ("[profiles.DEV]\n", "DEV", ":5: `dev` and `DEV` can't coexist: both would take their token from"),
    ("[profiles.Default]\n", "Default", ":5: `default` and `Default` can't coexist"),
    ("[profiles]\nx = 3\n", "x", ":6: `profiles.x` must be a table"),
];

#[test]
fn a_profile_that_can_not_be_stops_only_commands_about_it() {
    for (bad, name, says) in IMPOSSIBLE {
        let world = beside_a_good_one(bad);
        for words in [
            &["-p", name, "config", "list"][..],
            &["profiles", "show", name],
            &["profiles", "use", name],
            &["profiles", "set", name, "api_url=https://x.test"],
            &["auth", "login", "-p", name, "--api-url", "https://x.test", "--no-browser"],
        ] {
            world.run_words(words).code(2).says(says);
        }
        let before = world.read("config.toml");
        // The other one of two that clash is stopped as well; beside it there is nothing here.
        if name != "DEV" {
            assert_eq!(world.run("prompt").ok().stdout, "dev\n", "{bad}");
            assert!(world.run("__complete bash autocom -p d").ok().stdout.contains("dev"), "{bad}");
            for line in ["profiles list", "config get api_url", "exec -- true", "auth logout", "whoami"] {
                let outcome = world.run(line);
                // Nobody is logged in, which is another matter.
                assert!(outcome.code == 0 || outcome.code == 4, "{line} beside {bad}: {outcome:?}");
                let outcome = outcome.says(says).says("; fix it with: autocom profiles re");
                assert_eq!(outcome.stderr.matches("warning:").count(), 1, "{outcome:?}");
            }
        }
        world.run("config set ring edge").ok();
        world.run("profiles set more api_url=https://more.test").ok();
        world.run_words(&["profiles", "remove", "--", name]).ok().says("no credential was deleted");
        let mended = world.run("profiles list").ok();
        assert!(mended.stderr.is_empty() && mended.stdout.contains("dev"), "{mended:?}");
        let renamed = world.config(&before).run_words(&["profiles", "rename", "--", name, "good"]);
        if bad.contains("= 3") {
            renamed.code(2).says("`profiles.good` must be a table");
        } else {
            renamed.ok();
            assert!(world.read("config.toml").contains("[profiles.good]"), "{bad}");
            assert_eq!(world.run("-p good config get store").ok().stderr, "");
        }
    }
}

#[test]
fn two_that_share_a_variable_are_both_stopped_and_a_third_can_not_join_them() {
    let world = beside_a_good_one("[profiles.a-b]\n[profiles.a_b]\n");
    for name in ["a-b", "a_b"] {
        world.run(&format!("-p {name} whoami")).code(2).says("config.toml:6: `a-b` and `a_b` can't coexist");
    }
    assert_eq!(world.run("profiles list").ok().stderr.matches("can't coexist").count(), 1);
    let before = world.read("config.toml");
    world.run("profiles set A_B api_url=https://x.test").code(2).says("can't coexist");
    world.run("profiles rename a_b A-B").code(2).says("can't coexist");
    world.run("profiles rename dev A-B").code(2).says("can't coexist");
    assert_eq!(world.read("config.toml"), before);
    world.run("profiles rename a_b c").ok();
    assert_eq!(world.run("profiles list").ok().stderr, "");
    // The active one can't go without a successor, whatever it is named.
    let world = beside_a_good_one("[profiles.\"x y\"]\n");
    world.config(&world.read("config.toml").replace("= \"dev\"", "= \"x y\""));
    world.run_words(&["profiles", "remove", "x y"]).code(2).says("x y is the active profile");
    world.run_words(&["profiles", "remove", "x y", "--use", "dev"]).ok();
    assert_eq!(world.run("profiles current").ok().stdout, "dev\n");
}

#[test]
fn a_config_variable_that_names_nothing_is_no_empty_configuration() {
    let mut world = World::new();
    world.config("profile = \"dev\"\n[profiles.dev]\napi_url = \"https://dev.test\"\nprotected = true\n");
    let path = world.home().join("typo.toml");
    world.set("AUTOCOM_CONFIG", path.display().to_string());
    let says = "AUTOCOM_CONFIG names ";
    for line in [
        "whoami",
        "-p dev whoami",
        "-p default whoami",
        "api profile",
        "profiles use dev",
        "profiles current",
        "profiles export",
        "auth login",
        "tenants use acme",
        "orders list --all-profiles",
    ] {
        world
            .run(line)
            .code(2)
            .says(says)
            .says("typo.toml, which does not exist")
            .says("unset AUTOCOM_CONFIG");
    }
    world.run("profiles list").ok().says(&format!("warning: {says}"));
    assert_eq!(world.run("prompt").ok().stdout, "autocom?\n");
    assert!(!path.exists());

    world.set("AUTOCOM_API_URL", "https://ci.test").set("AUTOCOM_TOKEN", "x".repeat(20));
    assert_eq!(world.run("config get api_url").ok().stderr, "");
    world.run("profiles list").ok().prints("https://ci.test").says(&format!("warning: {says}"));
    world.unset("AUTOCOM_API_URL").unset("AUTOCOM_TOKEN");

    for line in ["profiles set dev api_url=https://dev.test", "config set ring edge"] {
        assert_eq!(world.run(line).ok().stderr.matches("warning").count(), 0);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_leading_tilde_is_the_home_and_a_relative_home_is_refused() {
    let mut world = World::new();
    let refused = |world: &World, says: &str| {
        for line in ["profiles list", "profiles set x api_url=https://x.test", "config path", "auth status"] {
            world.run(line).code(2).says(says);
        }
        assert_eq!(world.run("prompt").ok().stdout, "autocom?\n");
        world.run("version").ok();
    };
    for (variable, value, file) in [
        ("AUTOCOM_HOME", "~/elsewhere", "elsewhere/config.toml"),
        ("AUTOCOM_HOME", "~", "config.toml"),
        ("AUTOCOM_CONFIG", "~/my.toml", "my.toml"),
        ("AUTOCOM_CONFIG", "relative.toml", "relative.toml"),
    ] {
        world.set(variable, value).run("profiles set x api_url=https://x.test").ok();
        assert!(world.home().join(file).exists(), "{variable}={value}");
        world.unset(variable);
    }
    world.write("../secrets", "{\"version\":99}");
    world.set("AUTOCOM_CREDENTIALS_FILE", "~/secrets").set("AUTOCOM_API_URL", "https://x.test");
    world.run("auth status").code(6).says("newer version of autocom");
    world.unset("AUTOCOM_CREDENTIALS_FILE").unset("AUTOCOM_API_URL");
    for variable in ["AUTOCOM_HOME", "AUTOCOM_CONFIG", "AUTOCOM_CREDENTIALS_FILE"] {
        world.set(variable, "~grace/x");
        refused(&world, &format!("cannot use {variable}: `~grace/x` begins with `~USER/`"));
        world.unset(variable);
    }
    for relative in ["relative", "./relative", "."] {
        world.set("AUTOCOM_HOME", relative);
        refused(&world, &format!("cannot use AUTOCOM_HOME: `{relative}` is a relative path"));
        world.run("profiles list").says("hint: export AUTOCOM_HOME=/");
    }
    world.set("AUTOCOM_HOME", "~/x").set("HOME", "~");
    refused(&world, "there is no home folder");
    world.unset("AUTOCOM_HOME");
    world.run("config set ring edge").code(2).says("set HOME or AUTOCOM_HOME");
    for folder in ["~", "relative", "~grace"] {
        assert!(!world.home().join(folder).exists(), "{folder}");
    }
}

#[test]
fn a_value_that_makes_no_sense_names_its_line_and_can_be_mended() {
    let mut world = World::new();
    world.unset("AUTOCOM_STORE");
    for (line, why) in [
        ("store = \"vault\"", "`store` must be one of auto, keychain, file"),
        ("output = 1", "`output` must be a string"),
        ("no_telemetry = \"x\"", "`no_telemetry` must be true or false"),
        ("tenant = \"a b\"", "`tenant` must be one word"),
        ("tenant = [\"a\"]", "`tenant` must be a string"),
        ("api_url = \"https://a.test/graphql\"", "use https://a.test/api/v1"),
    ] {
        world.config(&format!("# one\n{line}\n"));
        world.run("whoami").code(2).says(why).says("config.toml:2)");
        world.run(&format!("config unset {}", line.split(' ').next().unwrap())).ok();
        assert_eq!(world.read("config.toml"), "# one\n");
    }
}

#[test]
fn unknown_keys_are_kept_and_stop_nothing() {
    let world = World::new();
    let text = "tennant = \"x\"\n[profiles.a]\napi_url = \"https://a.test/api/v1\"\nprofile = 1\n[else.where]\nx = 1979-05-27\n";
    world.config(text).run("profiles list").ok();
    world.run("config set tenant acme").ok();
    assert_eq!(world.read("config.toml"), text.replace("\"x\"\n", "\"x\"\ntenant = \"acme\"\n"));
    world.run("config unset tennant").ok();
    assert!(!world.read("config.toml").contains("tennant"));
    let hint = "unknown key";
    let outcome = world.run("profiles list").ok();
    assert!(!outcome.stderr.contains(hint), "for people only: {}", outcome.stderr);
}

#[test]
fn a_slip_of_a_key_that_should_stop_somebody_is_said_to_programs_too() {
    let world = World::new();
    for (slip, key) in [("Protected", "protected"), ("protectd", "protected"), ("expect-user", "expect_user")]
    {
        world.config(&format!("[profiles.a]\napi_url = \"https://a.test/api/v1\"\n{slip} = true\n"));
        for line in ["profiles list", "profiles list --quiet -o json", "profiles set a tenant=acme"] {
            let outcome = world.run(line).ok().says("config.toml:3: ");
            let words =
                format!("unknown key `profiles.a.{slip}`, which has no effect (did you mean `{key}`?)");
            assert_eq!(outcome.stderr.matches(&words).count(), 1, "{line}: {}", outcome.stderr);
        }
        assert_eq!(world.run("prompt").ok().stderr, "");
    }
}

#[test]
fn only_known_keys_and_good_values_are_written() {
    let world = World::new();
    let text = "[profiles.a]\napi_url = \"https://a.test/api/v1\"\n";
    world.config(text);
    for (line, why) in [
        ("config set wat foo", "unknown key `wat`; the keys are"),
        ("config set tennant foo", "did you mean `tenant`?"),
        ("config set wat.tenant foo", "unknown key"),
        ("config set profiles.a.wat foo", "unknown key `wat`"),
        ("config set profiles.a.profile a", "`profile` belongs to the top level"),
        ("config set profiles.a foo", "`profiles.a` names a profile, not a key"),
        ("config set profiles.b.tenant foo", "there is no profile `b`"),
        ("config set tenant foo --profile b", "there is no profile `b`"),
        ("config set profile b", "there is no profile `b`"),
        ("config set store vault", "`store` must be one of"),
        ("config set api_url http://a.test", "`api_url` must use https"),
        ("config set output \u{7}", "`output` must be one of"),
        ("config set no_telemetry yes", "`no_telemetry` must be true or false"),
        ("config get wat", "unknown key `wat`"),
        ("config unset wat", "unknown key `wat`"),
        ("profiles set a wat=x", "unknown key `wat`"),
        ("profiles set a tenant", "`tenant` is not KEY=VALUE"),
        ("profiles set a profile=a", "`profile` belongs to the top level"),
        ("profiles set b tenant=x", "there is no profile `b`"),
        ("profiles set A api_url=https://b.test", "can't coexist"),
        ("profiles set a!b api_url=https://b.test", "the profile name `a!b` must be"),
        ("profiles use b", "there is no profile `b`"),
        ("profiles show b", "there is no profile `b`"),
        ("profiles rename b c", "there is no profile `b`"),
        ("profiles rename default c", "can't be renamed"),
        ("profiles remove b", "there is no profile `b`"),
        ("profiles remove default", "can't be removed"),
    ] {
        world.run(line).code(2).says(why);
        assert_eq!(world.read("config.toml"), text, "after `{line}`");
    }
}

#[test]
fn values_are_read_and_written_where_they_belong() {
    let world = World::new();
    world.run("config set api_url HTTPS://Prod.test:443/").ok().says("set api_url");
    world.run("profiles set staging api_url=https://s.test tenant=acme").ok().says("created profile staging");
    world.run("config set tenant globex --profile staging").ok().says("set tenant in profile staging");
    world.run("config set profiles.staging.output yaml").ok();
    world.run("profiles use staging").ok().says("active profile: staging");
    let text = "api_url = \"https://prod.test/api/v1\"\nprofile = \"staging\"\n\n[profiles.staging]\n\
                api_url = \"https://s.test/api/v1\"\ntenant = \"globex\"\noutput = \"yaml\"\n";
    assert_eq!(world.read("config.toml"), text);
    let get = |key: &str| world.run(&format!("config get {key} -o table")).ok().stdout;
    assert_eq!(get("tenant"), "globex\n");
    assert_eq!(get("profiles.staging.tenant"), "globex\n");
    assert_eq!(get("api_url -p default"), "https://prod.test/api/v1\n");
    world.run("config get client_id").code(1).says("`client_id` is not set");
    assert_eq!(world.run("profiles current -o table").ok().stdout, "staging\n");
    world.run("config path -o table").ok().prints(&world.path("config.toml").display().to_string());

    world
        .run("profiles rename staging stage")
        .ok()
        .says("AUTOCOM_TOKEN_STAGE now, no longer AUTOCOM_TOKEN_STAGING");
    assert_eq!(world.read("config.toml"), text.replace("staging", "stage"));
    world.run("profiles rename stage default").code(2);
    world.run("profiles remove stage").code(2).says("stage is the active profile").says("--use default");
    world.run("profiles remove stage --use default").ok();
    assert_eq!(world.read("config.toml"), "api_url = \"https://prod.test/api/v1\"\nprofile = \"default\"\n");
}

#[test]
fn every_value_is_shown_with_its_origin() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "");
    world.set("AUTOCOM_OUTPUT", "table").unset("AUTOCOM_STORE");
    let outcome = world.run("profiles show --color never").ok();
    let login = world.login_entry(&sandbox.api_url())["logged_in_at"].as_str().unwrap().to_owned();
    let login = format!("{} {}", &login[..10], &login[11..16]);
    let home = world.home().display().to_string();
    insta::assert_snapshot!(
        outcome.shown(&[(&home, "~"), (&sandbox.origin(), "PLATFORM"), (&login, "TIME"), ("\t", " | ")]),
        @r"
    exit 0
    --- stdout
    KEY | VALUE | ORIGIN
    profile | local | ~/.autocom/config.toml:1
    api_url | PLATFORM/api/v1 | ~/.autocom/config.toml:4
    tenant | acme | login of TIME UTC
    client_id |  | 
    scope |  | 
    revocation_url |  | 
    credential | PLATFORM/api/v1 | ~/.autocom/config.toml:4
    expect_user |  | 
    protected |  | 
    store | auto | built-in default
    output | table | AUTOCOM_OUTPUT
    proxy |  | 
    ca_bundle |  | 
    ring |  | 
    no_telemetry |  |
    ");
    let rows = world.run("config list --tenant globex -o json").ok().json();
    let tenant = rows.as_array().unwrap().iter().find(|row| row["key"] == "tenant").unwrap();
    assert_eq!((&tenant["value"], &tenant["origin"]), (&"globex".into(), &"--tenant".into()));
}

#[test]
fn a_write_that_something_overrides_says_so() {
    let mut world = World::new();
    world.config("profile = \"a\"\n[profiles.a]\napi_url = \"https://a.test/api/v1\"\ntenant = \"own\"\n[profiles.b]\napi_url = \"https://b.test/api/v1\"\n");
    let silent = |outcome: Outcome| assert!(!outcome.stderr.contains("all the same"), "{}", outcome.stderr);
    world
        .run("config set tenant globex")
        .ok()
        .says("tenant of profile a comes from")
        .says("config.toml:5 all the same");
    silent(world.run("profiles set a tenant=x").ok());
    silent(world.run("profiles use a").ok());
    world.set("AUTOCOM_TENANT", "shell").set("AUTOCOM_PROFILE", "b");
    world.run("profiles use a").ok().says("AUTOCOM_PROFILE selects b in this shell all the same");
    world
        .run("profiles set b tenant=x")
        .ok()
        .says("tenant of profile b comes from AUTOCOM_TENANT all the same");
}

#[test]
fn removing_a_profile_logs_it_out_unless_somebody_needs_the_credential() {
    let (world, one, two) = (
        World::new(),
        Sandbox::start(Options::default()).unwrap(),
        Sandbox::start(Options::default()).unwrap(),
    );
    world.log_in(&one, "ada", "--profile a");
    let token = world.log_in(&one, "ada", "--profile b");
    let kept = world.log_in(&two, "ada", "--profile c");
    world.run("profiles remove b").ok().says("its credential stays: profile a uses it");
    world.run("profiles remove c --keep-credential").ok();
    assert!(one.accepts(world.record(&one.api_url())["access_token"].as_str().unwrap()));
    assert!(two.accepts(&kept) && !world.record(&two.api_url()).is_null());
    world.run("profiles remove a --use default").ok().says("The personal access token still works");
    assert!(world.record(&one.api_url()).is_null());
    assert!(one.accepts(&token));
}

#[test]
fn a_variable_moves_the_whole_folder() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    let moved = world.home().join("elsewhere/autocom");
    world.set("AUTOCOM_HOME", moved.display().to_string());
    world.log_in(&sandbox, "ada", "");
    let mut files: Vec<_> = fs::read_dir(&moved).unwrap().map(|it| it.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["config.toml", "credentials", "locks", "logins.toml"]);
    assert!(!world.path("").exists());
    world.run("whoami").ok();
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(world: &World, file: &str) -> u32 {
        fs::metadata(world.path(file)).unwrap().permissions().mode() & 0o777
    }

    fn chmod(world: &World, file: &str, mode: u32) {
        fs::set_permissions(world.path(file), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_made_is_private() {
        let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
        world.log_in(&sandbox, "ada", "");
        for (file, wanted) in [("", 0o700), ("locks", 0o700)] {
            assert_eq!(mode(&world, file), wanted, "{file}");
        }
        for file in ["config.toml", "logins.toml", "credentials"] {
            assert_eq!(mode(&world, file), 0o600, "{file}");
        }
        let locks: Vec<_> = fs::read_dir(world.path("locks")).unwrap().map(|it| it.unwrap().path()).collect();
        assert!(locks.len() >= 2);
        assert!(locks.iter().all(|it| fs::metadata(it).unwrap().permissions().mode() & 0o777 == 0o600));
    }

    #[test]
    fn a_file_that_is_too_open_is_tightened_with_one_warning() {
        let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
        world.log_in(&sandbox, "ada", "");
        for file in ["config.toml", "logins.toml", "credentials"] {
            chmod(&world, file, 0o644);
            let outcome = world.run("auth status").ok();
            assert_eq!(outcome.stderr.matches("it is 0600 now").count(), 1, "{file}: {}", outcome.stderr);
            assert_eq!(mode(&world, file), 0o600, "{file}");
        }
    }

    #[test]
    fn a_config_named_by_variable_is_taken_as_it_is() {
        let mut world = World::new();
        world.write("mine.toml", "tenant = \"acme\"\n");
        chmod(&world, "mine.toml", 0o664);
        world.set("AUTOCOM_CONFIG", world.path("mine.toml").display().to_string());
        assert_eq!(world.run("config get tenant").ok().stderr, "");
        assert_eq!(world.run("config set tenant globex").ok().stderr, "set tenant\n");
        assert_eq!(mode(&world, "mine.toml"), 0o664);
        assert_eq!(world.read("mine.toml"), "tenant = \"globex\"\n");
    }

    #[test]
    fn credentials_named_by_variable_are_used_with_a_warning() {
        let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
        world.set("AUTOCOM_CREDENTIALS_FILE", world.path("mine").display().to_string());
        world.log_in(&sandbox, "ada", "");
        assert!(!world.path("credentials").exists());
        chmod(&world, "mine", 0o640);
        let outcome = world.run("auth status").ok();
        assert_eq!(outcome.stderr.matches("is open to others").count(), 1, "{}", outcome.stderr);
        assert_eq!(mode(&world, "mine"), 0o640);
    }

    #[test]
    fn a_folder_that_is_too_open_is_tightened_with_one_warning() {
        let world = World::new();
        world.config("");
        chmod(&world, "", 0o777);
        let outcome = world.run("profiles list").ok();
        assert_eq!(outcome.stderr.matches("it is 0700 now").count(), 1, "{}", outcome.stderr);
        assert_eq!(mode(&world, ""), 0o700);
    }

    #[test]
    fn a_secret_is_never_written_to_an_open_file() {
        let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
        world.write("mine", "");
        chmod(&world, "mine", 0o644);
        world.set("AUTOCOM_CREDENTIALS_FILE", world.path("mine").display().to_string());
        world.log_in(&sandbox, "ada", "");
        assert_eq!(mode(&world, "mine"), 0o600);
    }

    #[test]
    fn a_pipe_at_a_path_of_ours_is_refused_at_once() {
        for (file, line) in [("config.toml", "profiles list"), ("credentials", "auth status")] {
            let world = World::new();
            world.config("api_url = \"https://a.test\"\n");
            let _ = fs::remove_file(world.path(file));
            let made = std::process::Command::new("mkfifo").arg(world.path(file)).status().unwrap();
            assert!(made.success());
            let outcome = world.run(line);
            assert!(matches!(outcome.code, 1 | 6), "{outcome:?}");
            outcome.says("is not a regular file");
        }
    }

    #[test]
    fn a_link_stays_a_link() {
        let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
        let dotfiles = world.home().join("dotfiles");
        fs::create_dir(&dotfiles).unwrap();
        world.config("");
        for file in ["config.toml", "logins.toml", "credentials"] {
            let _ = fs::remove_file(world.path(file));
            symlink(dotfiles.join(file), world.path(file)).unwrap();
        }
        world.log_in(&sandbox, "ada", "");
        world.run("config set ring edge").ok();
        world.run("logout").ok();
        for file in ["config.toml", "logins.toml", "credentials"] {
            assert!(fs::symlink_metadata(world.path(file)).unwrap().is_symlink(), "{file}");
            assert!(!fs::read_to_string(dotfiles.join(file)).unwrap().is_empty(), "{file}");
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_not_trusted() {
        if !rustix::process::geteuid().is_root() {
            return; // only root can make one
        }
        let world = World::new();
        for (file, line) in [("config.toml", "whoami"), ("credentials", "auth status")] {
            world.config("api_url = \"https://a.test\"\n");
            world.write(file, "");
            std::os::unix::fs::chown(world.path(file), Some(12_345), None).unwrap();
            let outcome = world.run(line);
            assert!(matches!(outcome.code, 1 | 6), "{outcome:?}");
            outcome.says("belongs to user 12345, not to you or root");
            fs::remove_file(world.path(file)).unwrap();
        }
    }

    /// A home of nobody's in which root runs autocom.
    fn as_root_in_a_home_of_nobody() -> Option<World> {
        if !rustix::process::geteuid().is_root() {
            return None; // only root can be there
        }
        let world = World::new();
        std::os::unix::fs::chown(world.home(), Some(65_534), None).unwrap();
        Some(world)
    }

    #[test]
    fn sudo_leaves_nothing_in_the_home_of_whoever_runs_it() {
        let Some(mut world) = as_root_in_a_home_of_nobody() else { return };
        let refused = |world: &World| {
            for line in ["profiles set x api_url=https://x.test", "config set ring edge"] {
                world.run(line).code(1).says(".autocom as root: it is in the home of nobody").says(
                    "sudo -u nobody autocom ..., or use another folder: export AUTOCOM_HOME=~root/.autocom",
                );
            }
            let login = "auth login --api-url https://x.test --token-stdin";
            world.run_with_input(login, "token").code(6).says("sudo -u nobody");
        };
        for (variable, value) in [("SUDO_UID", "65534"), ("PKEXEC_UID", "65534"), ("DOAS_USER", "nobody")] {
            world.set(variable, value);
            refused(&world);
            world.set("AUTOCOM_HOME", world.home().join(".autocom").display().to_string());
            refused(&world);
            world.unset("AUTOCOM_HOME").run("profiles list").ok();
            assert!(!world.path("").exists(), "{variable}");
            let other = tempfile::tempdir().unwrap();
            world.set("AUTOCOM_HOME", other.path().join("root").display().to_string());
            world.run("profiles set x api_url=https://x.test").ok();
            world.unset("AUTOCOM_HOME").unset(variable);
        }
        // Nor is what the user has there read or written.
        world.config("api_url = \"https://x.test\"\n");
        world.heed_modes();
        world.set("SUDO_UID", "65534");
        world.run("config list").ok();
        let as_root = |line: &str| {
            let output =
                world.shell(&format!("'{}' {line}", env!("CARGO_BIN_EXE_autocom"))).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
            assert!(String::from_utf8_lossy(&output.stderr).contains("sudo -u nobody"), "{line}: {output:?}");
        };
        as_root("config list");
        fs::remove_file(world.path("config.toml")).unwrap();
        as_root("profiles set x api_url=https://x.test");
        assert!(!world.path("config.toml").exists());
    }

    #[test]
    fn root_in_a_home_of_another_goes_on_with_one_warning() {
        let Some(world) = as_root_in_a_home_of_nobody() else { return };
        let outcome = world.run("profiles set x api_url=https://x.test").ok();
        assert_eq!(outcome.stderr.matches("warning: running as root in the home of nobody").count(), 1);
        // Also where it is all the other's.
        let output = world.shell("chown -R 65534 .autocom").output().unwrap();
        assert!(output.status.success());
        let outcome = world.run("profiles list").ok().prints("https://x.test");
        assert_eq!(outcome.stderr.matches("warning:").count(), 1, "{outcome:?}");
        world.run("profiles set y api_url=https://y.test").ok();
        // But what a third user has put there is trusted by nobody.
        std::os::unix::fs::chown(world.path("config.toml"), Some(12_345), None).unwrap();
        world.run("profiles list").code(1).says("belongs to user 12345");
    }
}

#[test]
fn credentials_that_are_not_ours_are_kept_aside_by_a_login() {
    let (world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.config(&format!("api_url = \"{}\"\n", sandbox.api_url()));
    world.write("credentials", "hunter2 = of another program");
    world.plant("hunter2");
    let outcome = world.run("auth status").code(4);
    assert_eq!(outcome.stderr.matches("is not a credential file of autocom").count(), 1);
    let token = sandbox.mint_pat("ada", None);
    world.login_with_token(&sandbox.api_url(), &token, "").ok().says("credentials.old");
    assert_eq!(world.read("credentials.old"), "hunter2 = of another program");
    let newer = "{\"version\":99}";
    world.write("credentials", newer);
    for line in ["auth status", "logout"] {
        world.run(line).code(6).says("newer version of autocom");
    }
    world.login_with_token(&sandbox.api_url(), &token, "").code(6);
    assert_eq!(world.read("credentials"), newer);
}

#[test]
fn interleaved_dotted_keys_lose_nothing_but_what_is_changed() {
    let text = "profiles.a.api_url = \"https://a.test\" # 1\noutput = \"json\" # keep\nprofiles.a.tenant = \"t\" # 2\n\
                profiles.b.api_url = \"https://b.test\"\n";
    let world = World::new();
    let a = |tenant: &str| if tenant.is_empty() { String::new() } else { format!("tenant = \"{tenant}\"\n") };
    let expected =
        |output: &str, a: &str, b: &str| -> toml::Table { format!("{output}\n{a}\n{b}").parse().unwrap() };
    let profile = |name: &str, tenant: &str| {
        format!(
            "[profiles.{name}]\napi_url = \"https://{}.test\"\n{}",
            if name == "c" { "b" } else { name },
            a(tenant)
        )
    };
    for (line, after) in [
        ("config set output yaml", expected("output = \"yaml\"", &profile("a", "t"), &profile("b", ""))),
        ("config unset output", expected("", &profile("a", "t"), &profile("b", ""))),
        ("profiles set a tenant=", expected("output = \"json\"", &profile("a", ""), &profile("b", ""))),
        ("profiles set a tenant=zz", expected("output = \"json\"", &profile("a", "zz"), &profile("b", ""))),
        ("profiles remove a --keep-credential", expected("output = \"json\"", "", &profile("b", ""))),
        ("profiles rename b c", expected("output = \"json\"", &profile("a", "t"), &profile("c", ""))),
    ] {
        world.config(text).run(line).ok();
        let found = world.read("config.toml");
        assert_eq!(found.parse::<toml::Table>().unwrap(), after, "after `{line}`:\n{found}");
        assert!(found.contains("# 1") || line.contains("remove"), "after `{line}`:\n{found}");
    }
}

#[test]
fn a_byte_order_mark_stays_and_comments_at_the_end_do_not_drift() {
    let world = World::new();
    world.config("\u{feff}output = \"json\"\n").run("config set tenant acme").ok();
    assert_eq!(world.read("config.toml"), "\u{feff}output = \"json\"\ntenant = \"acme\"\n");
    let text = "[profiles.a]\napi_url = \"https://a.test/api/v1\"\n# of a\n";
    world.config(text).run("profiles set b api_url=https://b.test").ok();
    let written = world.read("config.toml");
    assert!(written.starts_with(text) && written.contains("[profiles.b]"), "{written}");
    world.config("# ours\n").run("config set tenant acme").ok();
    assert_eq!(world.read("config.toml"), "# ours\ntenant = \"acme\"\n");
}

#[test]
fn what_is_no_string_is_not_printed_and_default_is_no_table() {
    let world = World::new();
    world.config("[profiles.a]\ntenant = 7\n");
    world.run("config get profiles.a.tenant").code(2).says("must be a string").says("config.toml:2");
    world.run("config get profiles.default.tenant").code(2).says("is the top level");
}

#[test]
fn files_named_by_variable_need_no_home() {
    let mut world = World::new();
    world.config("[profiles.a]\napi_url = \"https://a.test/api/v1\"\n");
    world.set("AUTOCOM_CONFIG", world.path("config.toml").display().to_string()).unset("HOME");
    world.run("profiles use a").ok();
    assert!(world.read("config.toml").contains("profile = \"a\""));
}

proptest::proptest! {
    #[test]
    fn an_edit_is_the_one_change_and_keeps_every_comment(
        lines in proptest::sample::subsequence(LINES.to_vec(), 0..=LINES.len()).prop_shuffle(),
        windows in proptest::bool::ANY, mark in proptest::bool::ANY, edit in 0..4_usize,
    ) {
        use autocom::config::{ConfigFile, EditTarget};
        use autocom::domain::Key;
        use autocom::system::{locks::Locks, reporter::Reporter, paths::{Paths, Place}};
        let dir = tempfile::tempdir().unwrap();
        let place = Place::at(dir.path().join("config.toml"));
        let mut text: String = lines.iter().enumerate().map(|(n, line)| format!("# above {n}\n{line} # behind {n}\n")).collect();
        text.push_str("[profiles.z] # head\ntenant = \"z\" # z\n# end\n");
        if windows { text = text.replace('\n', "\r\n"); }
        if mark { text.insert(0, '\u{feff}'); }
        fs::write(&place.path, &text).unwrap();
        let parse = |text: &str| toml::from_str::<toml::Table>(text.trim_start_matches('\u{feff}')).unwrap();
        let mut expected = parse(&text);
        let (locks, quiet) = (Locks::new(&Paths::default()), Reporter::silent());
        let z = EditTarget::new(&"z".parse().unwrap());
        ConfigFile::new(Some(&place), &locks, &quiet).edit(|file| match edit {
            0 => file.set(&EditTarget::TopLevel, Key::Output, "yaml"),
            1 => file.set(&z, Key::Tenant, "new"),
            2 => file.set_all(&[(EditTarget::new(&"y".parse().unwrap()), Key::Tenant, "new")]),
            _ => { file.unset(&EditTarget::TopLevel, "output"); Ok::<(), autocom::config::ConfigError>(()) }
        }).unwrap();
        let tenant = |table: &mut toml::Table, name: &str| {
            let profiles = table["profiles"].as_table_mut().unwrap();
            let profile = profiles.entry(name).or_insert_with(|| toml::Value::Table(Default::default()));
            profile.as_table_mut().unwrap().insert("tenant".into(), "new".into());
        };
        match edit {
            0 => drop(expected.insert("output".into(), "yaml".into())),
            1 => tenant(&mut expected, "z"),
            2 => tenant(&mut expected, "y"),
            _ => drop(expected.remove("output")),
        }
        let written = fs::read_to_string(&place.path).unwrap();
        assert_eq!(parse(&written), expected, "{text}\n---\n{written}");
        assert_eq!(written.starts_with('\u{feff}'), mark);
        for (n, line) in lines.iter().enumerate() {
            assert!(written.contains(&format!("# above {n}")), "{text}\n---\n{written}");
            // What stands behind a value goes with it.
            let gone = edit == 3 && line.starts_with("output");
            assert!(gone || written.contains(&format!("# behind {n}")), "{text}\n---\n{written}");
        }
        assert!(["# head", "# z", "# end"].iter().all(|it| written.contains(it)), "{text}\n---\n{written}");
    }
}

use proptest::strategy::Strategy;

const LINES: [&str; 9] = [
    "profiles.a.api_url = \"https://a.test\"",
    "output = \"json\"",
    "profiles.a.tenant = \"t\"",
    "tenant = 'x'",
    "profiles.b = { api_url = \"https://b.test\", tenant = 't' }",
    "other.deep.key = 1",
    "ring = \"edge\"",
    "other.deep.more = [1, 2]",
    "other.list = 1979-05-27",
];
