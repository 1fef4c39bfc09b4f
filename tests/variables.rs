//! Tokens in variables: each reaches its own environment and no other, is used, and is never kept.
//!
//! Every combination of selection, variables and tokens runs against three platforms whose logs are then compared
//! with a reference that shares no code with the program. Its rules: `AUTOCOM_TOKEN_<PROFILE>` goes to that profile's
//! own environment only. `AUTOCOM_TOKEN` belongs to one environment: that of `AUTOCOM_API_URL`, else that of
//! `AUTOCOM_PROFILE`, else the one that the command resolves.

use std::collections::BTreeSet;
use std::fmt;
use std::thread;

use crate::platform::{Options, Sandbox, Visitor, fingerprint};
use crate::support::World;
use crate::support::ports::CallbackPorts;

/// A platform; its name is also that of the profile whose own it is. `default` is the top level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Default,
    A,
    B,
}

use Place::{A, B, Default as Top};

impl Place {
    const ALL: [Place; 3] = [Top, A, B];

    fn profile(self) -> &'static str {
        match self {
            Top => "default",
            A => "a",
            B => "b",
        }
    }
}

/// A profile as a flag or variable names it. `b2` is a second one of B's; `gone` stands nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Of(Place),
    B2,
    Gone,
}

use Name::{B2, Gone, Of};

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Of(place) => place.profile(),
            B2 => "b2",
            Gone => "gone",
        }
    }

    /// The address that the files give it.
    fn home(self) -> Option<Place> {
        match self {
            Of(place) => Some(place),
            B2 => Some(B),
            Gone => None,
        }
    }
}

/// The tokens that are set.
const TOKENS: [&str; 4] = ["AUTOCOM_TOKEN", "AUTOCOM_TOKEN_A", "AUTOCOM_TOKEN_B", "AUTOCOM_TOKEN_GONE"];

#[derive(Clone, Copy)]
struct Case {
    number: usize,
    profile_flag: Option<Name>,
    url_flag: Option<Place>,
    profile_variable: Option<Name>,
    url_variable: Option<Place>,
    /// Which of `TOKENS`.
    tokens: [bool; 4],
}

/// What a command does.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It goes there with the token of that variable.
    Sends(Place, &'static str),
    NotLoggedIn,
    Usage,
}

impl Case {
    fn all() -> Vec<Case> {
        let mut cases = Vec::new();
        let flags =
            [(None, None), (Some(Of(A)), None), (Some(B2), None), (None, Some(B)), (Some(Of(A)), Some(B))];
        for (profile_flag, url_flag) in flags {
            for profile_variable in [None, Some(Of(A)), Some(Of(B)), Some(Gone)] {
                for url_variable in [None, Some(A), Some(B)] {
                    for bits in 1..16_u8 {
                        let tokens = [0, 1, 2, 3].map(|bit| bits & (1 << bit) != 0);
                        // A token for a profile that stands nowhere: where it is named, alone and beside one.
                        if tokens[3] && (profile_variable != Some(Gone) || tokens[1] || tokens[2]) {
                            continue;
                        }
                        let number = cases.len();
                        cases.push(Case {
                            number,
                            profile_flag,
                            url_flag,
                            profile_variable,
                            url_variable,
                            tokens,
                        });
                    }
                }
            }
        }
        cases
    }

    /// The profile (none: an unnamed environment) and the address that the command works with.
    fn selected(&self) -> Option<(Option<Name>, Place)> {
        let bound = |place: Place| Some((Some(Of(place)), place));
        match (self.profile_flag, self.url_flag, self.profile_variable, self.url_variable) {
            (Some(name), url, _, _) => Some((Some(name), url.or(name.home())?)),
            (None, Some(url), _, _) => bound(url),
            (None, None, Some(name), url) => Some((Some(name), url.or(name.home())?)),
            (None, None, None, Some(url)) => bound(url),
            (None, None, None, None) => bound(Top),
        }
    }

    fn set(&self, variable: &str) -> Option<&'static str> {
        let at = TOKENS.iter().position(|known| *known == variable)?;
        self.tokens[at].then_some(TOKENS[at])
    }

    /// The variable that supplies the token of a profile at an address.
    fn token(&self, name: Option<Name>, url: Place, selected: bool) -> Option<&'static str> {
        let own = |name: Name| name.home().or(self.url_variable) == Some(url);
        let named = name.filter(|name| own(*name)).map(|name| format!("AUTOCOM_TOKEN_{}", name.as_str()));
        if let Some(named) = named.and_then(|named| self.set(&named.to_uppercase())) {
            return Some(named);
        }
        let home = match (self.url_variable, self.profile_variable) {
            (Some(url), _) => Some(url),
            (None, Some(name)) => name.home(),
            (None, None) => Some(url).filter(|_| selected),
        };
        self.set("AUTOCOM_TOKEN").filter(|_| home == Some(url))
    }

    fn fate(&self) -> Fate {
        let Some((name, url)) = self.selected() else { return Fate::Usage };
        self.token(name, url, true).map_or(Fate::NotLoggedIn, |variable| Fate::Sends(url, variable))
    }

    /// The rows that say `env`: profile and variable.
    fn env_rows(&self) -> BTreeSet<(String, &'static str)> {
        let selected = self.selected();
        let is_selected = |name: Name| selected.is_some_and(|(selected, _)| selected == Some(name));
        let listed = [Of(Top), Of(A), Of(B), B2].into_iter().chain(Some(Gone).filter(|it| is_selected(*it)));
        let row = |name: Name| {
            let url = selected.filter(|_| is_selected(name)).map(|(_, url)| url).or(name.home())?;
            Some((name.as_str().to_owned(), self.token(Some(name), url, is_selected(name))?))
        };
        listed.filter_map(row).collect()
    }

    /// A token of its own, in which the variable's name is not found.
    fn value(&self, variable: &str) -> String {
        format!("{}-of-case-{}", variable.to_ascii_lowercase().replace('_', "-"), self.number)
    }

    fn run(&self, world: &World, platforms: &[Sandbox; 3], line: &str) -> (i32, String) {
        let url = |place: Place| platforms[place as usize].api_url();
        let mut command = world.command(line);
        if let Some(name) = self.profile_flag {
            command.args(["--profile", name.as_str()]);
        }
        if let Some(place) = self.url_flag {
            command.args(["--api-url", &url(place)]);
        }
        command.envs(self.profile_variable.map(|name| ("AUTOCOM_PROFILE", name.as_str())));
        command.envs(self.url_variable.map(|place| ("AUTOCOM_API_URL", url(place))));
        for variable in TOKENS.iter().filter(|variable| self.set(variable).is_some()) {
            command.env(variable, self.value(variable));
        }
        if line == "exec" {
            command.args(["--", "printenv", "AUTOCOM_TOKEN", "AUTOCOM_API_URL"]);
        }
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    /// Whether `exec` hands over what the reference says, and `profiles list` shows it.
    fn check_offline(&self, world: &World, platforms: &[Sandbox; 3]) {
        let (code, stdout) = self.run(world, platforms, "exec");
        let expected = match self.fate() {
            Fate::Sends(place, variable) => {
                (0, format!("{}\n{}\n", self.value(variable), platforms[place as usize].api_url()))
            }
            Fate::NotLoggedIn => (4, String::new()),
            Fate::Usage => (2, String::new()),
        };
        assert_eq!((code, stdout), expected, "exec: {self:?}");
        let (_, list) = self.run(world, platforms, "profiles list");
        let rows = list.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
        let shown: BTreeSet<(String, &str)> = rows
            .filter(|row| row[4] == "env")
            .map(|row| (row[0].trim_start_matches("* ").to_owned(), row[6]))
            .collect();
        assert_eq!(shown, self.env_rows(), "profiles list: {self:?}\n{list}");
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: Option<Name>| name.map_or("-", Name::as_str);
        let place = |place: Option<Place>| place.map_or("-", Place::profile);
        let tokens: Vec<_> = TOKENS.iter().filter(|variable| self.set(variable).is_some()).collect();
        write!(
            f,
            "--profile {} --api-url {} AUTOCOM_PROFILE={} AUTOCOM_API_URL={} {tokens:?}",
            name(self.profile_flag),
            place(self.url_flag),
            name(self.profile_variable),
            place(self.url_variable),
        )
    }
}

#[test]
fn a_token_reaches_its_own_environment_and_no_other() {
    let platforms = Place::ALL.map(|_| Sandbox::start(Options::default()).unwrap());
    let [top, a, b] = platforms.each_ref().map(Sandbox::api_url);
    let world = World::new();
    world.config(&format!(
        "api_url = \"{top}\"\n[profiles.a]\napi_url = \"{a}\"\n[profiles.b]\napi_url = \"{b}\"\n\
         [profiles.b2]\napi_url = \"{b}\"\ncredential = \"b2\"\n"
    ));
    let before = world.files();
    let cases = Case::all();
    thread::scope(|scope| {
        for worker in 0..4 {
            let (world, platforms, cases) = (&world, &platforms, &cases);
            scope.spawn(move || {
                for case in cases.iter().skip(worker).step_by(4) {
                    // Nobody knows these tokens: a command that sends one ends with 4 too, and the logs tell.
                    let code = if case.fate() == Fate::Usage { 2 } else { 4 };
                    assert_eq!(case.run(world, platforms, "whoami").0, code, "{case:?}");
                    case.check_offline(world, platforms);
                }
            });
        }
    });
    let seen: BTreeSet<(Place, String)> = Place::ALL
        .into_iter()
        .flat_map(|place| {
            let requests = platforms[place as usize].requests();
            requests.into_iter().map(move |request| (place, request.authorization.unwrap_or_default()))
        })
        .collect();
    let expected: BTreeSet<(Place, String)> = cases
        .iter()
        .filter_map(|case| match case.fate() {
            Fate::Sends(place, variable) => Some((place, fingerprint(&case.value(variable)))),
            Fate::NotLoggedIn | Fate::Usage => None,
        })
        .collect();
    for case in &cases {
        for variable in TOKENS {
            let of_this = fingerprint(&case.value(variable));
            let places = |log: &BTreeSet<(Place, String)>| {
                Place::ALL.into_iter().filter(|it| log.contains(&(*it, of_this.clone()))).collect::<Vec<_>>()
            };
            assert_eq!(places(&seen), places(&expected), "{variable} of {case:?}");
        }
    }
    assert_eq!(seen.len(), expected.len(), "nothing else was sent");
    assert_eq!(world.files(), before);
}

#[test]
fn a_variables_token_is_used_but_never_stored_nor_renewed() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    sandbox.knobs(|knobs| knobs.access_ttl_seconds = 20);
    let ports = CallbackPorts::take();
    world.browse(&sandbox, Visitor::approving("ada"), "--profile one").0.ok();
    drop(ports);
    let (before, asked) = (world.files(), sandbox.requests().len());
    let token = sandbox.mint_pat("grace", None);
    world.plant(&token);
    for variable in ["AUTOCOM_TOKEN", "AUTOCOM_TOKEN_ONE"] {
        world.set(variable, &token);
        world.run("whoami").ok().prints("grace@example.test");
        world.run("auth status --check").ok().prints("grace@example.test").prints(variable).prints("initech");
        assert_eq!(world.run("auth token").ok().stdout.trim_end(), token);
        world.run("exec -- true").ok();
        world
            .run("auth refresh")
            .code(2)
            .says(&format!("comes from {variable} and can't be renewed here"))
            .says(&format!("hint: set {variable} to a fresh token, or unset it"));
        // Nor is the login beside it renewed when the platform rejects the variable's.
        world.set(variable, "hunter2");
        world.run("whoami").code(4).says(&format!("hint: unset or replace {variable}\n"));
        world.unset(variable);
    }
    assert_eq!(world.files(), before);
    assert!(sandbox.requests().iter().skip(asked).all(|request| request.path == "/api/v1/profile"));
}

#[test]
fn a_variables_token_that_has_ended_names_the_variable_to_set() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.log_in(&sandbox, "ada", "--profile one");
    let token = sandbox.mint_pat("ada", Some(20));
    world.plant(&token);
    world.set("AUTOCOM_TOKEN", &token);
    world
        .run("auth status")
        .code(4)
        .prints("env")
        .says("the token in AUTOCOM_TOKEN has expired")
        .says("hint: set AUTOCOM_TOKEN to a fresh token");
    world.run("whoami").ok().says("set AUTOCOM_TOKEN to a fresh one");
    world.run("auth token").code(4).says("hint: set AUTOCOM_TOKEN to a fresh token, or ask for less");
    assert_eq!(world.run("auth token --min-ttl 0").ok().stdout.trim_end(), token);
}

#[test]
fn a_variable_that_can_not_hold_a_token_has_its_own_error() {
    let (mut world, sandbox) = (World::new(), Sandbox::start(Options::default()).unwrap());
    world.config(&format!("[profiles.one]\napi_url = \"{}\"\n", sandbox.api_url())).plant("hunter2");
    world.set("AUTOCOM_PROFILE", "one");
    let ask = ["whoami", "auth status", "auth token", "exec -- true"];
    for variable in ["AUTOCOM_TOKEN", "AUTOCOM_TOKEN_ONE"] {
        for (text, why) in [
            ("\"hunter2\"", "has quotation marks in it"),
            ("'hunter2'", "has quotation marks in it"),
            ("hunter2\nhunter2", "is not one word of visible ASCII characters"),
        ] {
            world.set(variable, text);
            for line in ask {
                let outcome = world.run(line).code(4).says(&format!("the token in {variable} {why}"));
                outcome.says(&format!("hint: set {variable} to the token alone, without quotes or spaces"));
            }
        }
        // What a CI job sees of a secret that it may not have.
        for text in ["", "\n"] {
            world.set(variable, text);
            for line in ask {
                let outcome = world.run(line).code(4).says(&format!("{variable} is set, but empty"));
                outcome.says(&format!("hint: give {variable} a token, or log in: autocom auth login"));
            }
        }
        world.unset(variable);
    }
    assert!(sandbox.requests().is_empty());
}

#[test]
fn a_name_that_stands_only_in_variables_can_not_take_another_profiles_token() {
    let mut world = World::new();
    world.config("[profiles.my-ci]\napi_url = \"https://a.invalid\"\n").plant("hunter2");
    world.set("AUTOCOM_TOKEN_MY_CI", "hunter2").set("AUTOCOM_PROFILE", "my_ci");
    world.set("AUTOCOM_API_URL", "https://b.invalid");
    for line in ["whoami", "auth token", "exec -- env"] {
        let outcome = world.run(line).code(2).says("`my-ci` and `my_ci` can't coexist");
        assert_eq!(outcome.stdout, "");
    }
}
