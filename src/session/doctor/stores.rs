//! The stores that credentials go to from here, and whether they work.

use crate::config::{Login, Setting, resolve, select};
use crate::credentials::StoreError;
use crate::domain::{CredentialKey, StoreChoice, StoreKind, autocom};
use crate::error::Error;
use crate::session::doctor::finding::{Finding, FindingStatus, Section};
use crate::session::doctor::patient::Doctor;
use crate::system::file_status;

/// The account of the probe. No profile is called so: a name has no `/`.
const PROBE: &str = "autocom/doctor";

/// What may be asked for credentials.
#[derive(Clone, Copy)]
pub(crate) struct Usable {
    pub keychain: bool,
    pub file: bool,
}

pub(crate) fn look(doctor: &Doctor) -> (Vec<Finding>, Usable) {
    let Some(probe) = CredentialKey::stored(PROBE) else {
        return (Vec::new(), Usable { keychain: false, file: false });
    };
    let choices = choices(doctor);
    let wants = |choice| choices.iter().any(|it| it.value == choice);
    let known_there = knows_of_a_login_in(doctor, StoreKind::Keychain);
    let only_file = !wants(StoreChoice::Auto) && !wants(StoreChoice::Keychain);

    let mut found = Vec::new();
    let keychain = if only_file && !known_there {
        found.push(Finding::skipped(Section::Store, "keychain", "not touched: store = file"));
        None
    } else {
        Some(doctor.context.credentials().check_writable(&probe, StoreKind::Keychain))
    };
    let absent = matches!(&keychain, Some(Err(error)) if error.is_absent());
    if let Some(outcome) = &keychain {
        found.push(of_keychain(outcome, wants(StoreChoice::Keychain), known_there));
    }
    let usable_keychain = matches!(keychain, Some(Ok(())));

    let (of_file, file) = of_file(doctor, &probe);
    let file_counts = wants(StoreChoice::File) || (absent && wants(StoreChoice::Auto));
    if file_counts || of_file.status != FindingStatus::Skipped {
        found.push(of_file);
    }
    for choice in &choices {
        let place = match choice.value {
            StoreChoice::File => "the file".to_owned(),
            StoreChoice::Keychain => "the OS keychain, and nowhere else".to_owned(),
            StoreChoice::Auto if absent => "the file, since there is no keychain".to_owned(),
            StoreChoice::Auto => "the OS keychain".to_owned(),
        };
        let words = format!("store = {} from {}: credentials go to {place}", choice.value, choice.origin);
        found.insert(0, Finding::ok(Section::Store, "store", words));
    }
    (found, Usable { keychain: usable_keychain, file })
}

/// The distinct settings of all profiles; that of the selected one where there is none.
fn choices(doctor: &Doctor) -> Vec<Setting<StoreChoice>> {
    let mut choices: Vec<Setting<StoreChoice>> = Vec::new();
    let config = doctor.context.config().ok();
    let selected =
        config.and_then(|config| resolve(config, select(config).ok()?).ok()).map(|profile| profile.store);
    let own = doctor.patients.iter().map(|patient| patient.profile.store.clone());
    for choice in own.chain(selected.filter(|_| doctor.patients.is_empty())) {
        if choices.iter().all(|it| it.value != choice.value) {
            choices.push(choice);
        }
    }
    choices
}

fn of_keychain(outcome: &Result<(), StoreError>, wanted: bool, known_there: bool) -> Finding {
    let Err(error) = outcome else {
        return Finding::ok(Section::Store, "keychain", "wrote, read and deleted a probe");
    };
    if error.is_absent() && !wanted && !known_there {
        return Finding::skipped(Section::Store, "keychain", error.to_string());
    }
    let words = Error::from_source(crate::error::Kind::CredentialStore, error);
    Finding::failed(Section::Store, "keychain", words).fix(autocom("auth login --store file"))
}

/// The file is read, not written: whether it could be, its folder's mode says.
fn of_file(doctor: &Doctor, probe: &CredentialKey) -> (Finding, bool) {
    let section = Section::Store;
    let Some(place) = &doctor.context.paths().credentials else {
        return (Finding::skipped(section, "file", "the credential file can't be read; see files"), false);
    };
    let shown = place.path.display();
    doctor.heard();
    let read = doctor.context.credentials().read_in(probe, StoreKind::File);
    let heard = doctor.heard();
    let finding = match read {
        Err(error) => return (Finding::failed(section, "file", Error::from(error)), false),
        Ok(_) => match heard.into_iter().next().filter(|_| doctor.context.credentials().file_is_foreign()) {
            Some(words) => Finding::broken(section, "file", words).fix(autocom("auth login --store file")),
            None if matches!(file_status::file_status(&place.path), Ok(None)) => {
                Finding::skipped(section, "file", format!("{shown} is not there yet"))
            }
            None => Finding::ok(section, "file", format!("{shown} can be read; it is plain text")),
        },
    };
    let usable = finding.status != FindingStatus::Broken;
    (finding, usable)
}

/// What `logins.toml` says of every key that it knows and that is logged in.
pub(crate) fn logins(doctor: &Doctor) -> Vec<(CredentialKey, Login)> {
    let Ok(config) = doctor.context.config() else { return Vec::new() };
    let captured = &config.captured;
    let known = captured.keys().filter_map(|key| Some((key.clone(), captured.get(key)?)));
    known.filter(|(_, login)| !login.is_logged_out()).collect()
}

fn knows_of_a_login_in(doctor: &Doctor, store: StoreKind) -> bool {
    logins(doctor).iter().any(|(_, login)| login.kept_in() == Some(store))
}
