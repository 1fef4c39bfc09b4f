//! Which value wins: for every key and every pair of layers, generated from the table of keys, with
//! the origin that users read.

use autocom::config::resolve;
use autocom::config::select;
use autocom::config::{Config, Document, Flags, Login, Logins, Resolved, Selection};
use autocom::domain::{Inheritance, Key, Layer, Origin};
use autocom::system::environment::Environment;

const OWN: &str = "https://own.test/api/v1";

/// A way to put a value for a key into a layer.
#[derive(Default)]
struct Offers {
    top: String,
    table: String,
    environment: Environment,
    flags: Flags,
    login: Login,
}

/// Two distinct valid values for a key.
fn values(key: Key) -> (&'static str, &'static str) {
    match key {
        Key::Profile => ("one", "two"),
        Key::ApiUrl => ("https://one.test/api/v1", "https://two.test/api/v1"),
        Key::Tenant | Key::ClientId | Key::Credential => ("one", "two"),
        Key::Scope => ("orders", "orders admin"),
        Key::RevocationUrl => ("https://own.test/revoke", "https://own.test/end"),
        Key::Store => ("keychain", "file"),
        Key::Output => ("json", "yaml"),
        Key::Proxy => ("http://one.test:3128", "none"),
        Key::CaBundle => ("one.pem", "two.pem"),
        Key::Ring => ("edge", "canary"),
        Key::ExpectUser => ("ada@one.test", "ada@two.test"),
        Key::Protected | Key::NoTelemetry => ("true", "false"),
    }
}

/// The layers that can offer a value for `key` to the profile `p` (whose own address is `OWN`, as the
/// top level's is). `by_flag`: selected by `--profile`.
fn layers(key: Key, by_flag: bool) -> Vec<Layer> {
    if key == Key::Profile {
        return Vec::new(); // the selection has its own order, tested below
    }
    Layer::ALL
        .into_iter()
        .filter(|layer| match layer {
            Layer::Flag => key.flag().is_some(),
            Layer::Variable => key.variable().is_some() && !(by_flag && key.yields_to_profile_flag()),
            Layer::PassedOverVariable => by_flag && key.yields_to_profile_flag(),
            Layer::Profile => key.in_profile(),
            Layer::TopLevel => key.inheritance() != Inheritance::Never,
            // Tested by themselves below: they need another address, or a build with a client id.
            Layer::ForeignTopLevel => false,
            Layer::Captured => key.is_captured(),
            Layer::BuiltIn => key == Key::Store,
        })
        .collect()
}

impl Offers {
    fn put(&mut self, layer: Layer, key: Key, value: &str) {
        let line =
            if key.is_bool() { format!("{key} = {value}\n") } else { format!("{key} = \"{value}\"\n") };
        match layer {
            Layer::TopLevel | Layer::ForeignTopLevel => self.top += &line,
            Layer::Profile => self.table += &line,
            Layer::Variable | Layer::PassedOverVariable => {
                let environment = std::mem::take(&mut self.environment);
                self.environment = environment.with(key.variable().unwrap(), value);
            }
            Layer::Flag => {
                assert!(key.flag().is_some(), "{key} has no flag");
                self.flags.set(key, Some(value.to_owned()));
            }
            Layer::Captured => match key {
                Key::Tenant => self.login.tenant = Some(value.parse().unwrap()),
                Key::ClientId => self.login.client_id = Some(value.parse().unwrap()),
                Key::Scope => self.login.scope = Some(value.parse().unwrap()),
                _ => panic!("{key} is not captured"),
            },
            Layer::BuiltIn => {}
        }
    }

    fn resolve(mut self, key: Key, by_flag: bool) -> Resolved {
        // The profile has the top level's own address, unless that is what is being tried.
        for text in [&mut self.top, &mut self.table] {
            if key != Key::ApiUrl {
                text.push_str(&format!("api_url = \"{OWN}\"\n"));
            }
        }
        let text = format!("{}[profiles.p]\n{}", self.top, self.table);
        let mut captured = Logins::default();
        let address = self.flags.get(Key::ApiUrl).unwrap_or(OWN).to_owned();
        self.login.api_url = Some(address.parse().unwrap());
        captured.insert(address.parse().unwrap(), &self.login);
        let document = Document::parse("config.toml".as_ref(), text.into_bytes()).unwrap();
        if by_flag {
            self.flags.set(Key::Profile, Some("p".to_owned()));
        }
        let config = Config::new(document, captured, self.environment, self.flags).unwrap();
        let selection = if by_flag {
            select(&config).unwrap()
        } else {
            Selection { files_only: false, ..Selection::listed("p".parse().unwrap()) }
        };
        resolve(&config, selection).unwrap()
    }
}

fn effective(profile: &Resolved, key: Key) -> Option<(String, Layer, Origin)> {
    profile.value_of(key).map(|found| (found.value, found.layer, found.origin))
}

#[test]
fn of_any_two_layers_the_higher_wins_for_every_key() {
    let mut pairs = 0;
    for by_flag in [false, true] {
        for key in Key::ALL {
            let (low_value, high_value) = values(key);
            let layers = layers(key, by_flag);
            for (i, low) in layers.iter().enumerate() {
                for high in &layers[i + 1..] {
                    let mut offers = Offers::default();
                    offers.put(*low, key, low_value);
                    offers.put(*high, key, high_value);
                    let (value, layer, origin) = effective(&offers.resolve(key, by_flag), key).unwrap();
                    assert_eq!((value.as_str(), layer), (high_value, *high), "{key}: {low:?} < {high:?}");
                    match (high, origin) {
                        (Layer::Flag, Origin::Flag(flag)) => assert_eq!(Some(flag), key.flag()),
                        (Layer::Variable | Layer::PassedOverVariable, Origin::Variable(name)) => {
                            assert_eq!(Some(name.as_str()), key.variable());
                        }
                        (Layer::Profile | Layer::TopLevel, Origin::File { line, .. }) => assert!(line > 0),
                        (Layer::Captured, Origin::Login { .. }) => {}
                        other => panic!("{key}: {other:?}"),
                    }
                    pairs += 1;
                }
            }
        }
    }
    assert!(pairs > 50, "only {pairs} pairs were generated");
}

#[test]
fn one_offer_alone_is_taken_from_any_layer() {
    for by_flag in [false, true] {
        for key in Key::ALL {
            for layer in layers(key, by_flag).into_iter().filter(|layer| *layer != Layer::BuiltIn) {
                let mut offers = Offers::default();
                offers.put(layer, key, values(key).0);
                let (value, found, _) = effective(&offers.resolve(key, by_flag), key).unwrap();
                assert_eq!((value.as_str(), found), (values(key).0, layer), "{key}");
            }
        }
    }
}

#[test]
fn the_profile_is_selected_by_the_first_that_names_one() {
    let text = "profile = \"active\"\n[profiles.active]\napi_url = \"https://active.test\"\n\
                [profiles.flag]\napi_url = \"https://flag.test\"\n[profiles.url]\napi_url = \"https://url.test\"\n\
                [profiles.variable]\napi_url = \"https://variable.test\"\n\
                [profiles.variable-url]\napi_url = \"https://variable-url.test\"\n";
    // The strongest first; each round leaves the strongest out.
    let offers: [(&str, &str); 4] = [
        ("flag", "--profile"),
        ("url", "--api-url"),
        ("variable", "AUTOCOM_PROFILE"),
        ("variable-url", "AUTOCOM_API_URL"),
    ];
    for left_out in 0..=offers.len() {
        let (mut flags, mut environment) = (Flags::default(), Environment::default());
        for (name, by) in &offers[left_out..] {
            let url = format!("https://{name}.test");
            match *by {
                "--profile" => flags.set(Key::Profile, Some((*name).to_owned())),
                "--api-url" => flags.set(Key::ApiUrl, Some(url)),
                "AUTOCOM_PROFILE" => environment = environment.with(*by, *name),
                _ => environment = environment.with(*by, url),
            }
        }
        let document = Document::parse("config.toml".as_ref(), text.as_bytes().to_vec()).unwrap();
        let config = Config::new(document, Logins::default(), environment, flags).unwrap();
        let selection = select(&config).unwrap();
        let expected = offers.get(left_out).map_or(("active", "config.toml:1"), |offer| *offer);
        assert_eq!((selection.name.unwrap().as_str(), selection.origin.to_string().as_str()), expected);
    }
}

/// A profile of another environment than the top level's.
fn elsewhere(login: Login, credential: &str) -> Resolved {
    let text = format!(
        "api_url = \"{OWN}\"\ntenant = \"top\"\nclient_id = \"top\"\ncredential = \"top\"\nstore = \"file\"\n\
         [profiles.p]\napi_url = \"https://elsewhere.test\"\n{credential}"
    );
    let document = Document::parse("config.toml".as_ref(), text.into_bytes()).unwrap();
    let mut captured = Logins::default();
    let key = if credential.is_empty() { "https://elsewhere.test/api/v1" } else { "own" };
    captured.insert(key.parse().unwrap(), &login);
    let config = Config::new(document, captured, Environment::default(), Flags::default()).unwrap();
    resolve(&config, Selection::listed("p".parse().unwrap())).unwrap()
}

#[test]
fn an_identity_is_not_inherited_by_another_environment() {
    let profile = elsewhere(Login::default(), "");
    assert_eq!(profile.client_id, None);
    assert_eq!(profile.credential.unwrap().value.as_str(), "https://elsewhere.test/api/v1");
    assert_eq!(profile.store.value.as_str(), "file", "a preference is inherited");
    assert_eq!(profile.tenant.as_ref().unwrap().value.as_str(), "top", "nothing was captured");

    let login = Login {
        api_url: Some("https://elsewhere.test".parse().unwrap()),
        tenant: Some("captured".parse().unwrap()),
        client_id: Some("captured".parse().unwrap()),
        ..Login::default()
    };
    let profile = elsewhere(login, "");
    assert_eq!(profile.tenant.unwrap().value.as_str(), "captured");
    assert_eq!(profile.client_id.unwrap().value.as_str(), "captured");
}

#[test]
fn a_tenant_at_a_top_level_without_an_address_is_a_fallback_only() {
    let text = "tenant = \"top\"\nclient_id = \"top\"\n[profiles.p]\napi_url = \"https://p.test\"\n";
    let resolve = |login: Option<Login>| {
        let document = Document::parse("config.toml".as_ref(), text.as_bytes().to_vec()).unwrap();
        let mut captured = Logins::default();
        login.inspect(|login| captured.insert("https://p.test".parse().unwrap(), login));
        let config = Config::new(document, captured, Environment::default(), Flags::default()).unwrap();
        resolve(&config, Selection::listed("p".parse().unwrap())).unwrap()
    };
    let login = Login {
        api_url: Some("https://p.test".parse().unwrap()),
        tenant: Some("captured".parse().unwrap()),
        ..Login::default()
    };
    assert_eq!(resolve(None).tenant.unwrap().value.as_str(), "top");
    let profile = resolve(Some(login));
    assert_eq!(profile.tenant.unwrap().value.as_str(), "captured");
    assert_eq!(profile.client_id.unwrap().value.as_str(), "top", "it names no other environment");
}

#[test]
fn what_another_origin_captured_does_not_count() {
    let login = Login {
        api_url: Some(OWN.parse().unwrap()),
        tenant: Some("captured".parse().unwrap()),
        client_id: Some("captured".parse().unwrap()),
        ..Login::default()
    };
    let profile = elsewhere(login, "credential = \"own\"\n");
    assert_eq!(profile.client_id, None);
    assert_eq!(profile.tenant.as_ref().unwrap().value.as_str(), "top");
    assert!(profile.is_foreign());
}

#[test]
fn an_address_from_elsewhere_brings_its_own_credential_key() {
    for (flags, environment) in [
        (Flags::default().with(Key::ApiUrl, Some("https://x.test".into())), Environment::default()),
        (Flags::default(), Environment::default().with("AUTOCOM_API_URL", "https://x.test")),
    ] {
        let text = format!("[profiles.p]\napi_url = \"{OWN}\"\ncredential = \"own\"\n");
        let document = Document::parse("config.toml".as_ref(), text.into_bytes()).unwrap();
        let config = Config::new(document, Logins::default(), environment, flags).unwrap();
        let selection = Selection { files_only: false, ..Selection::listed("p".parse().unwrap()) };
        let profile = resolve(&config, selection).unwrap();
        assert_eq!(profile.credential.unwrap().value.as_str(), "https://x.test/api/v1");
    }
}
