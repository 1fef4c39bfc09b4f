//! Which profile is selected and what its values are then: every combination of all that can name one, and
//! random layers against a model of the selection and inheritance rules that shares no code with the program.

use autocom::config::resolve;
use autocom::config::select;
use autocom::config::selection_candidates;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use autocom::config::{Config, ConfigError, Flags, Resolved, SelectionSource};
use autocom::domain::Key;
use autocom::system::environment::Environment;
use autocom::system::files;
use autocom::system::paths::Paths;
use autocom::system::reporter::Reporter;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

mod model;

/// Folders, the files in them, and what was said about it.
struct Scene {
    root: tempfile::TempDir,
    heard: Arc<Mutex<Vec<String>>>,
}

/// Three folders, each in the one before it.
const FOLDERS: [&str; 3] = ["shop", "shop/api", "shop/api/src"];

impl Scene {
    fn new() -> Scene {
        let root = tempfile::tempdir().unwrap();
        for folder in [FOLDERS[2], "home"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        Scene { root, heard: Arc::default() }
    }

    fn folder(&self, depth: usize) -> PathBuf {
        files::canonical(&self.root.path().join(FOLDERS[depth]))
    }

    fn repository_file(&self, depth: usize) -> PathBuf {
        self.folder(depth).join(".autocom.toml")
    }

    fn home(&self, file: &str) -> PathBuf {
        self.root.path().join("home").join(file)
    }

    fn write(&self, file: &str, text: &str) {
        // As autocom would leave it, but without waiting for the disk.
        let path = self.home(file);
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// `pins.toml`, and the repositories' files: at a depth, what was accepted and what is there now.
    fn pin(&self, pins: &[(usize, &str)], accepted: &[(usize, &str)], present: &[(usize, &str)]) {
        let line = |path: &Path, text: String| format!("{path:?} = {text:?}\n");
        let mut text = "[directories]\n".to_owned();
        text.extend(pins.iter().map(|(depth, name)| line(&self.folder(*depth), (*name).to_owned())));
        text += "[accepted]\n";
        text.extend(accepted.iter().map(|(depth, name)| line(&self.repository_file(*depth), says(name))));
        self.write("pins.toml", &text);
        for (depth, name) in present {
            fs::write(self.repository_file(*depth), says(name)).unwrap();
        }
    }

    fn load(&self, depth: usize, flags: Flags, variables: &[(&str, String)]) -> Config {
        let mut environment = Environment::default().with("AUTOCOM_HOME", self.root.path().join("home"));
        environment.current_dir = Some(self.folder(depth));
        for (name, value) in variables {
            environment = environment.with(*name, value);
        }
        let heard = self.heard.clone();
        let reporter = Reporter::new(move |_, text| heard.lock().unwrap().push(text.to_owned()));
        Config::load(&Paths::new(&environment), environment, flags, &Arc::new(reporter)).unwrap()
    }
}

fn says(name: &str) -> String {
    format!("profile = \"{name}\"\n")
}

fn url(name: &str) -> String {
    format!("https://{name}.test/api/v1")
}

fn text(profile: &Resolved, key: Key) -> Option<String> {
    profile.value_of(key).map(|found| found.value)
}

#[test]
fn every_combination_of_what_can_name_a_profile_has_its_one_winner() {
    const OFFERS: [&str; 10] = [
        "flag",
        "url-flag",
        "variable",
        "url-variable",
        "inner-pin",
        "outer-pin",
        "accepted",
        "active",
        "top",
        "unaccepted",
    ];
    for bits in 0..1_u32 << OFFERS.len() {
        let is_there =
            |offer: &str| OFFERS.iter().position(|it| *it == offer).is_some_and(|i| bits >> i & 1 == 1);
        let given = |offer: &'static str| is_there(offer).then_some(offer);
        let scene = Scene::new();
        let mut config = given("active").map(says).unwrap_or_default();
        if is_there("top") {
            config +=
                &format!("api_url = {:?}\ntenant = \"default-t\"\ncredential = \"default-k\"\n", url("top"));
        }
        for name in OFFERS.iter().filter(|name| **name != "top") {
            let own = url(name);
            config += &format!(
                "[profiles.{name}]\napi_url = {own:?}\ntenant = \"{name}-t\"\ncredential = \"{name}-k\"\n"
            );
        }
        scene.write("config.toml", &config);
        let pins: Vec<_> =
            [(2, "inner-pin"), (0, "outer-pin")].into_iter().filter(|(_, it)| is_there(it)).collect();
        let accepted: Vec<_> = given("accepted").map(|name| (1, name)).into_iter().collect();
        let ignored = given("unaccepted").map(|name| (2, name));
        let present: Vec<_> = accepted.iter().copied().chain(ignored).collect();
        scene.pin(&pins, &accepted, &present);
        let flags = Flags::default()
            .with(Key::Profile, given("flag").map(str::to_owned))
            .with(Key::ApiUrl, given("url-flag").map(url));
        let named = given("variable").map(|name| ("AUTOCOM_PROFILE", name.to_owned()));
        let bound = given("url-variable").map(|name| ("AUTOCOM_API_URL", url(name)));
        let variables: Vec<_> = named.into_iter().chain(bound).collect();
        let config = scene.load(2, flags, &variables);

        // Strongest first.
        let shown = |path: PathBuf| path.display().to_string();
        let order = [
            ("flag", SelectionSource::ProfileFlag, "--profile".to_owned()),
            ("url-flag", SelectionSource::ApiUrlFlag, "--api-url".to_owned()),
            ("variable", SelectionSource::ProfileVariable, "AUTOCOM_PROFILE".to_owned()),
            ("url-variable", SelectionSource::ApiUrlVariable, "AUTOCOM_API_URL".to_owned()),
            ("inner-pin", SelectionSource::Pin, format!("pin of {}", shown(scene.folder(2)))),
            ("outer-pin", SelectionSource::Pin, format!("pin of {}", shown(scene.folder(0)))),
            ("accepted", SelectionSource::RepositoryFile, shown(scene.repository_file(1))),
            ("active", SelectionSource::ConfigFile, format!("{}:1", shown(scene.home("config.toml")))),
        ];
        let builtin = ("default", SelectionSource::BuiltIn, "built-in default".to_owned());
        let mut offered: Vec<_> =
            order.into_iter().filter(|(name, ..)| is_there(name)).chain([builtin]).collect();
        offered.dedup_by_key(|(_, by, _)| *by); // of two pins only the longer speaks
        let (winner, by, origin) = offered[0].clone();

        let selection = select(&config).unwrap();
        let about = format!("{bits:b}: {offered:?}");
        assert_eq!(selection.name.as_ref().unwrap().as_str(), winner, "{about}");
        assert_eq!(selection.origin.to_string(), origin, "{about}");
        let reaches_files = by > SelectionSource::Pin;
        assert_eq!(
            !scene.heard.lock().unwrap().is_empty(),
            reaches_files && is_there("unaccepted"),
            "{about}"
        );
        let selection_candidates: Vec<_> = selection_candidates(&config).map(|it| it.unwrap()).collect();
        let said: Vec<_> = selection_candidates.iter().map(|it| (it.by, it.origin.to_string())).collect();
        assert_eq!(said, offered.iter().map(|(_, by, origin)| (*by, origin.clone())).collect::<Vec<_>>());

        let profile = resolve(&config, selection).unwrap();
        // Only a name from a flag or variable can meet an address from elsewhere.
        let elsewhere = match winner {
            "flag" => given("url-flag"),
            "variable" => given("url-variable"),
            _ => None,
        };
        let nothing = winner == "default" && !is_there("top");
        let own = if winner == "default" { "top" } else { winner };
        let address = elsewhere.or((!nothing).then_some(own)).map(url);
        let key =
            if elsewhere.is_some() { address.clone() } else { (!nothing).then(|| format!("{winner}-k")) };
        assert_eq!(text(&profile, Key::ApiUrl), address, "{about}");
        assert_eq!(text(&profile, Key::Tenant), (!nothing).then(|| format!("{winner}-t")), "{about}");
        assert_eq!(text(&profile, Key::Credential), key, "{about}");
    }
}

/// The keys whose values are compared.
const KEYS: [Key; 5] = [Key::ApiUrl, Key::Tenant, Key::ClientId, Key::Store, Key::Output];

/// What one layer says: a value for some of `KEYS`, and a credential key.
#[derive(Debug, Clone, Default)]
struct Layer {
    values: [Option<String>; 5],
    credential: Option<String>,
}

/// What becomes of a repository's file.
#[derive(Debug, Clone)]
enum Repository {
    Absent,
    Accepted(&'static str),
    Changed(&'static str, &'static str),
    Unaccepted(&'static str),
    Vanished(&'static str),
}

#[derive(Debug, Clone)]
struct Case {
    top: Layer,
    profiles: BTreeMap<&'static str, Layer>,
    active: Option<&'static str>,
    flags: (Option<&'static str>, Layer),
    variables: (Option<&'static str>, Layer),
    pins: [Option<&'static str>; 3],
    repository: [Repository; 3],
    depth: usize,
    /// By credential key: whose address, tenant and client id.
    logins: BTreeMap<String, (usize, Option<String>, Option<String>)>,
}

impl Layer {
    fn toml(&self) -> String {
        let entries =
            KEYS.iter().zip(&self.values).filter_map(|(key, value)| Some((key.as_str(), value.as_ref()?)));
        let all = entries.chain(self.credential.as_ref().map(|key| ("credential", key)));
        all.map(|(key, value)| format!("{key} = {value:?}\n")).collect()
    }
}

impl Case {
    /// The program's answer, and what the model says.
    fn answers(&self) -> (model::Answer, model::Answer) {
        let scene = Scene::new();
        let mut config = self.active.map(says).unwrap_or_default() + &self.top.toml();
        config
            .extend(self.profiles.iter().map(|(name, layer)| format!("[profiles.{name}]\n{}", layer.toml())));
        scene.write("config.toml", &config);
        let logins = self.logins.iter().map(|(key, (at, tenant, client))| {
            let line =
                |name: &str, value: &Option<String>| value.as_ref().map(|it| format!("{name} = {it:?}\n"));
            let own =
                [line("tenant", tenant), line("client_id", client)].into_iter().flatten().collect::<String>();
            format!("[{key:?}]\napi_url = {:?}\n{own}", url(&format!("u{at}")))
        });
        scene.write("logins.toml", &logins.collect::<String>());
        let (mut accepted, mut present) = (Vec::new(), Vec::new());
        for (depth, file) in self.repository.iter().enumerate() {
            let (was, is) = match file {
                Repository::Absent => (None, None),
                Repository::Accepted(name) => (Some(name), Some(name)),
                Repository::Changed(was, is) => (Some(was), Some(is)),
                Repository::Unaccepted(name) => (None, Some(name)),
                Repository::Vanished(name) => (Some(name), None),
            };
            accepted.extend(was.map(|name| (depth, *name)));
            present.extend(is.map(|name| (depth, *name)));
        }
        let pins: Vec<_> =
            self.pins.iter().enumerate().filter_map(|(depth, name)| Some((depth, (*name)?))).collect();
        scene.pin(&pins, &accepted, &present);

        let keys = [Key::ApiUrl, Key::Tenant, Key::ClientId, Key::Store, Key::Output].into_iter();
        let profile = Flags::default().with(Key::Profile, self.flags.0.map(str::to_owned));
        let values = keys.zip(self.flags.1.values.clone());
        let flags = values.fold(profile, |flags, (key, value)| flags.with(key, value));
        let mut variables: Vec<_> = KEYS
            .iter()
            .zip(&self.variables.1.values)
            .filter_map(|(key, value)| Some((key.variable()?, value.clone()?)))
            .collect();
        variables.extend(self.variables.0.map(|name| ("AUTOCOM_PROFILE", name.to_owned())));
        let config = scene.load(self.depth, flags, &variables);
        let found = select(&config).and_then(|selection| resolve(&config, selection));
        let found = match found {
            Ok(profile) => model::Answer::Selected(
                profile.name().map(ToString::to_string),
                profile.selection.origin.to_string(),
                KEYS.map(|key| text(&profile, key)),
                text(&profile, Key::Credential),
                KEYS.map(|key| profile.passed_over.iter().any(|it| it.key == key)),
            ),
            Err(ConfigError::Ambiguous { .. }) => model::Answer::Failed(model::Failure::Ambiguous),
            Err(error) => model::Answer::Failed(model::Failure::Unknown(error.to_string())),
        };
        let place = |what: &str, depth: usize| match what {
            "pin" => format!("pin of {}", scene.folder(depth).display()),
            "file" => scene.repository_file(depth).display().to_string(),
            _ => format!("{}:1", scene.home("config.toml").display()),
        };
        (found, self.expected(&place))
    }
}

/// `None` twice as often as something.
fn rarely<T: Clone + std::fmt::Debug + 'static>(
    some: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Option<T>> {
    proptest::option::weighted(0.33, some).boxed()
}

/// One of the names; `gone` is never a profile.
fn name() -> impl Strategy<Value = &'static str> + Clone {
    proptest::sample::select(vec!["a", "b", "c", "default", "a", "b", "c", "gone"])
}

/// What the layer `who` says, of its own words except for addresses and the store.
fn layer(who: &'static str) -> impl Strategy<Value = Layer> {
    let own = move |what: &str| Just(format!("{what}-{who}")).boxed();
    let one_of =
        |these: &[&'static str]| proptest::sample::select(these.to_vec()).prop_map(str::to_owned).boxed();
    let address = (0..3_usize).prop_map(|at| url(&format!("u{at}"))).boxed();
    let credential = prop_oneof![own("key"), address.clone()];
    let values = (
        rarely(address),
        rarely(own("tenant")),
        rarely(own("client")),
        rarely(one_of(&["auto", "file", "keychain"])),
        rarely(one_of(&["table", "json", "yaml"])),
    );
    (values, rarely(credential))
        .prop_map(|((u, t, c, s, o), credential)| Layer { values: [u, t, c, s, o], credential })
}

fn case() -> impl Strategy<Value = Case> {
    let repository = prop_oneof![
        3 => Just(Repository::Absent),
        2 => name().prop_map(Repository::Accepted),
        1 => (name(), name()).prop_filter("must differ", |(was, is)| was != is).prop_map(|(a, b)| Repository::Changed(a, b)),
        1 => name().prop_map(Repository::Unaccepted),
        1 => name().prop_map(Repository::Vanished),
    ];
    let profiles = (rarely(layer("a")), proptest::option::of(layer("b")), proptest::option::of(layer("c")));
    let keys = ["key-a", "key-b", "key-top"]
        .map(str::to_owned)
        .into_iter()
        .chain((0..3).map(|at| url(&format!("u{at}"))));
    let login = (
        0..3_usize,
        proptest::option::of(Just("tenant-login".to_owned())),
        proptest::option::of(Just("client-login".to_owned())),
    );
    let logins =
        proptest::collection::btree_map(proptest::sample::select(keys.collect::<Vec<_>>()), login, 0..4);
    (
        (layer("top"), profiles, rarely(name())),
        (rarely(rarely(name())), layer("flag"), proptest::bool::weighted(0.4)),
        (rarely(name()), layer("variable"), proptest::bool::weighted(0.5)),
        (
            proptest::array::uniform3(rarely(name())),
            proptest::array::uniform3(repository),
            0..3_usize,
            logins,
        ),
    )
        .prop_map(|((top, (a, b, c), active), flags, variables, (pins, repository, depth, logins))| {
            let profiles =
                [("a", a), ("b", b), ("c", c)].into_iter().filter_map(|(name, layer)| Some((name, layer?)));
            // Else an address by flag or variable would nearly always keep the rest from being asked.
            let calm = |mut layer: Layer, with_address: bool| {
                layer.values[0].take_if(|_| !with_address);
                layer
            };
            Case {
                top,
                profiles: profiles.collect(),
                active,
                flags: (flags.0.flatten(), calm(flags.1, flags.2)),
                variables: (variables.0, calm(variables.1, variables.2)),
                pins,
                repository,
                depth,
                logins,
            }
        })
}

/// What kind of an answer it is, to see that all of them come up.
fn kind(answer: &model::Answer) -> &str {
    match answer {
        model::Answer::Failed(model::Failure::Unknown(_)) => "unknown",
        model::Answer::Failed(model::Failure::Ambiguous) => "ambiguous",
        model::Answer::Selected(None, ..) => "unnamed",
        model::Answer::Selected(_, by, ..) if by.starts_with("pin of ") => "pin",
        model::Answer::Selected(_, by, ..) if by.ends_with("/.autocom.toml") => "accepted file",
        model::Answer::Selected(_, by, ..) if by.ends_with("config.toml:1") => "active",
        model::Answer::Selected(_, by, ..) => by,
    }
}

#[test]
fn random_layers_resolve_as_in_the_model() {
    let seen = RefCell::<BTreeMap<String, usize>>::default();
    let config = ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&case(), |case| {
        let (found, expected) = case.answers();
        *seen.borrow_mut().entry(kind(&expected).to_owned()).or_default() += 1;
        prop_assert_eq!(found, expected);
        Ok(())
    });
    outcome.unwrap();
    let (seen, variables) = (seen.into_inner(), ["AUTOCOM_PROFILE", "AUTOCOM_API_URL"]);
    let others = [
        // An ambiguous address is too rare to be counted on.
        "unknown",
        "unnamed",
        "--profile",
        "--api-url",
        "pin",
        "accepted file",
        "active",
        "built-in default",
    ];
    for kind in others.iter().chain(&variables) {
        assert!(seen.contains_key(*kind), "{kind} never came up: {seen:?}");
    }
}
