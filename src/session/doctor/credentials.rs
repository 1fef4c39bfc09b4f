//! Each profile's credential: what the stores hold, what `logins.toml` says of it, what the platform does.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::config::Login;
use crate::credentials::{Lookup, Record, StoreError, Stored};
use crate::domain::time::{relative, rfc3339};
use crate::domain::{ApiUrl, CredentialKey, Hint, ProfileName, StoreChoice, StoreKind, TokenStatus, autocom};
use crate::error::{Error, Kind, Result};
use crate::platform::Platform;
use crate::session::call::fan_out;
use crate::session::call::tokens::{self, Bearer};
use crate::session::credential::logins::login_of;
use crate::session::doctor::finding::{Finding, Remedy, Section};
use crate::session::doctor::patient::{self, Doctor, Patient};
use crate::session::doctor::stores::{self, Usable};
use crate::session::profile::expectation;
use crate::session::profile::login_command::Owner;

/// A token that is asked about, and where its answer belongs.
struct DoctorCheck<'d> {
    patient: &'d Patient,
    bearer: Bearer,
    row: usize,
}

/// One credential key, in both stores.
struct StoredCopies {
    known: Option<Login>,
    choice: StoreChoice,
    /// What a command would work with.
    found: Result<Option<Stored>, StoreError>,
    /// A copy in the store that `found` is not in.
    other: Option<Record>,
    /// Something was there that is no record.
    heard: Vec<String>,
}

pub(crate) fn look(doctor: &Doctor, usable: Usable, offline: bool) -> Result<Vec<Finding>> {
    let (mut found, mut questions) = (Vec::new(), Vec::new());
    let seen = all_kept(doctor, usable);
    for patient in &doctor.patients {
        let profile = &patient.profile;
        let check = patient.label.as_str();
        if profile.api_url.is_none() {
            found.push(
                Finding::warn(Section::Credentials, check, "has no api_url").fix(
                    autocom("auth login")
                        .option("--profile", check)
                        .words("--api-url")
                        .placeholder("https://api.example.test"),
                ),
            );
            continue;
        }
        match tokens::token_variable(&doctor.context, profile) {
            Ok(None) => {}
            Ok(Some(variable)) => {
                questions.push(DoctorCheck {
                    patient,
                    bearer: Bearer::Variable(variable.clone()),
                    row: found.len(),
                });
                found.push(Finding::ok(
                    Section::Credentials,
                    check,
                    format!("the token of {}", variable.name),
                ));
                continue;
            }
            Err(error) => {
                found.push(Finding::failed(Section::Credentials, check, error));
                continue;
            }
        }
        let Some(key) = profile.credential.as_ref().map(|key| &key.value) else { continue };
        let Some(kept) = seen.get(key) else { continue };
        let row = found.len();
        let (finding, bearer) = standing(doctor, patient, kept);
        found.push(finding);
        questions.extend(bearer.map(|bearer| DoctorCheck { patient, bearer, row }));
    }
    if !offline {
        ask(doctor, &questions, &mut found)?;
    }
    for (key, kept) in &seen {
        found.extend(disagreements(doctor, key, kept));
    }
    found.extend(strays(doctor, &seen));
    if found.is_empty() {
        found.push(Finding::skipped(Section::Credentials, "profiles", "there are none"));
    }
    Ok(found)
}

/// What is kept for every profile, and for every login that is no profile's. The file is read once.
fn all_kept(doctor: &Doctor, usable: Usable) -> BTreeMap<CredentialKey, StoredCopies> {
    let mut asked: BTreeMap<CredentialKey, (StoreChoice, Option<Login>)> = BTreeMap::new();
    for Patient { profile, .. } in &doctor.patients {
        let has_variable = !matches!(tokens::token_variable(&doctor.context, profile), Ok(None));
        if let (Some(_), Some(key), false) = (&profile.api_url, &profile.credential, has_variable) {
            let ask = || (profile.store.value, profile.login.clone());
            asked.entry(key.value.clone()).or_insert_with(ask);
        }
    }
    for (key, login) in stores::logins(doctor) {
        asked.entry(key).or_insert((StoreChoice::Auto, Some(login)));
    }
    let kept_in = |known: &Option<Login>| known.as_ref().and_then(Login::kept_in);
    let lookups = asked.iter().map(|(key, (choice, known))| (key, *choice, kept_in(known)));
    let lookups: Vec<Lookup<'_>> = lookups.collect();
    let credentials = doctor.context.credentials();
    let mut found = Vec::with_capacity(lookups.len());
    doctor.heard();
    credentials.read_each(&lookups, |_, stored| found.push((stored, doctor.heard())));
    let mut others: Vec<Option<Record>> = lookups.iter().map(|_| None).collect();
    for store in [StoreKind::File, StoreKind::Keychain] {
        let counts = |(n, (_, choice, known)): &(usize, &Lookup<'_>)| {
            let is_elsewhere = matches!(&found[*n].0, Ok(Some(stored)) if stored.store != store);
            is_elsewhere
                && match store {
                    StoreKind::File => usable.file,
                    StoreKind::Keychain => {
                        usable.keychain
                            && (*choice != StoreChoice::File || *known == Some(StoreKind::Keychain))
                    }
                }
        };
        let (places, keys): (Vec<usize>, Vec<&CredentialKey>) =
            lookups.iter().enumerate().filter(counts).map(|(n, (key, ..))| (n, *key)).unzip();
        credentials.read_each_in(&keys, store, |n, other| others[places[n]] = other.ok().flatten());
    }
    doctor.heard();
    let kept = found.into_iter().zip(others);
    let kept: Vec<_> = kept.zip(asked.values().cloned()).collect();
    let kept = kept.into_iter().map(|(((found, heard), other), (choice, known))| StoredCopies {
        known,
        choice,
        found,
        other,
        heard,
    });
    asked.keys().cloned().zip(kept).collect()
}

/// How a profile's credential stands, and its token if the platform can be asked about it.
fn standing(doctor: &Doctor, patient: &Patient, kept: &StoredCopies) -> (Finding, Option<Bearer>) {
    let (section, check, profile) = (Section::Credentials, patient.label.as_str(), &patient.profile);
    let (owner, now) = (Owner::new(profile), doctor.context.clock().now());
    let stored = match &kept.found {
        Ok(Some(stored)) => stored,
        Ok(None) => {
            let finding = match &kept.known {
                Some(login) if login.is_logged_out() => {
                    let at =
                        login.logged_out_at.map(|at| format!(" since {}", rfc3339(at))).unwrap_or_default();
                    Finding::skipped(section, check, format!("logged out{at}"))
                }
                _ => {
                    let why = kept.heard.first().map(|words| format!(": {words}")).unwrap_or_default();
                    Finding::warn(section, check, format!("nobody is logged in{why}"))
                }
            };
            return (finding.fix(owner.login), None);
        }
        Err(error) => {
            let finding = Finding::failed(section, check, Error::from_source(Kind::CredentialStore, error));
            let fix: Hint = if error.is_newer() {
                "update autocom".into()
            } else {
                owner.login.words("--store file").into()
            };
            return (finding.fix(fix), None);
        }
    };
    let record = &stored.record;
    if let Some(url) = profile.api_url.as_ref().filter(|url| !record.api_url.same_origin(&url.value)) {
        return (Finding::failed(section, check, owner.foreign(&record.api_url, &url.value)), None);
    }
    let wanted = expectation::wanted(&doctor.context, profile);
    let whose = "the credential";
    if let Err(error) = wanted.and_then(|wanted| wanted.check(record.user(), whose)) {
        return (Finding::failed(section, check, error), None);
    }
    let who = record.user_label();
    let end = record.expires_at.map(|end| format!(", {}", ends(end, now))).unwrap_or_default();
    let words = format!("{who}, in the {}{end}", stored.store);
    let bearer = Some(Bearer::Stored(Box::new(stored.clone())));
    match record.lifetime().status(now) {
        TokenStatus::Expired => (Finding::broken(section, check, words).fix(owner.login), None),
        // A token that has ended is not asked about: the answer would be its renewal.
        TokenStatus::Refreshable => {
            (Finding::ok(section, check, format!("{words}; the next command renews it")), None)
        }
        TokenStatus::Expiring => (Finding::warn(section, check, words).fix(owner.login), bearer),
        _ => (Finding::ok(section, check, words), bearer),
    }
}

/// Asks every platform about the tokens as they are: none is renewed here.
fn ask(doctor: &Doctor, questions: &[DoctorCheck<'_>], found: &mut [Finding]) -> Result<()> {
    let context = &doctor.context;
    let answers = fan_out::all_at_once(context, questions, "Asking", async |question| {
        let profile = &question.patient.profile;
        let url = profile.api_url.as_ref().map(|url| url.value.clone())?;
        let (token, tenant) = (question.bearer.token().clone(), question.bearer.tenant(profile));
        let platform = Platform::new(context.http(profile), url, token, tenant);
        let started = Instant::now();
        let limit = context.request_timeout.unwrap_or(patient::DEADLINE);
        let outcome = tokio::time::timeout(limit, platform.profile()).await;
        Some((outcome, started.elapsed().as_millis()))
    })?;
    for (question, answer) in questions.iter().zip(answers) {
        let finding = &mut found[question.row];
        match answer {
            Some((Ok(Ok(user)), ms)) => {
                let whose = match &question.bearer {
                    Bearer::Variable(variable) => format!("the token in {}", variable.name),
                    Bearer::Stored(_) => "the credential".to_owned(),
                };
                let wanted = expectation::wanted(context, &question.patient.profile);
                match wanted.and_then(|wanted| wanted.check(user.user(), &whose)) {
                    Ok(()) => finding.finding += &format!("; the platform takes it ({ms} ms)"),
                    Err(error) => *finding = Finding::failed(Section::Credentials, &finding.check, error),
                }
            }
            Some((Ok(Err(error)), _)) => {
                let error = Error::from(error);
                let login = Owner::new(&question.patient.profile).login;
                *finding = match error.kind {
                    Kind::Authentication => Finding::broken(
                        Section::Credentials,
                        &finding.check,
                        format!("{}; but {}", finding.finding, error.message),
                    )
                    .fix(login),
                    // What is wrong with the way there is in the section before.
                    Kind::Unreachable => Finding {
                        finding: format!("{}; the platform can't be asked", finding.finding),
                        ..finding.clone()
                    },
                    _ => {
                        let of_platform = Finding::failed(Section::Credentials, &finding.check, error);
                        Finding {
                            finding: format!("{}; but {}", finding.finding, of_platform.finding),
                            ..of_platform
                        }
                    }
                };
            }
            Some((Err(_), _)) => finding.finding += "; the platform did not answer in time",
            None => {}
        }
    }
    Ok(())
}

/// Where a store and `logins.toml`, or the two stores, say different things.
fn disagreements(doctor: &Doctor, key: &CredentialKey, kept: &StoredCopies) -> Vec<Finding> {
    let (mut found, section) = (Vec::new(), Section::Credentials);
    let known = kept.known.as_ref();
    if let (Ok(Some(stored)), Some(other)) = (&kept.found, &kept.other) {
        let (first, second) = (stored.store, stored.store.other());
        let stale = if other.written_at > stored.record.written_at { first } else { second };
        let words =
            format!("{key} is in the {first} and in the {second}; the copy in the {stale} is the older one");
        found.push(
            Finding::warn(section, "shadow copy", words).remedy(Remedy::Copies(key.clone(), kept.choice)),
        );
    }
    let words = match (&kept.found, known) {
        (Ok(Some(stored)), Some(login))
            if !login.says_as(&login_of(&stored.record, stored.store, Some(login))) =>
        {
            format!("says something else of {key} than the {} holds", stored.store)
        }
        (Ok(Some(_)), None) if doctor.certainty.logins => format!("does not know of the login of {key}"),
        (Ok(None), Some(login)) if !login.is_logged_out() => {
            format!("says that {key} is logged in, but no store has it")
        }
        _ => return found,
    };
    let remedy = Remedy::Entry(key.clone(), kept.choice);
    found.push(Finding::warn(section, "logins.toml", words).remedy(remedy));
    found
}

/// Records in the file that no profile and no login knows. They may be the only copy: they stay.
fn strays(doctor: &Doctor, seen: &BTreeMap<CredentialKey, StoredCopies>) -> Vec<Finding> {
    let credentials = doctor.context.credentials();
    let mut strays = credentials.file_keys().unwrap_or_default();
    let is_named =
        |key: &CredentialKey| doctor.context.config().is_ok_and(|config| config.captured.get(key).is_some());
    // Else nobody can say whose they are.
    let certain = doctor.certainty.logins && doctor.certainty.profiles;
    strays.retain(|key| certain && !seen.contains_key(key) && !is_named(key));
    let taken = doctor.context.config().map(|config| config.token_variables()).unwrap_or_default();
    let is_free = |name: &str| {
        let name = name.parse::<ProfileName>().ok();
        name.is_some_and(|name| !taken.contains_key(&name.token_variable()))
    };
    let mut found = Vec::with_capacity(strays.len());
    credentials.read_each_in(&strays.iter().collect::<Vec<_>>(), StoreKind::File, |n, record| {
        let key = &strays[n];
        let words = format!("{key} is in the file, but no profile and no login knows it");
        let finding = Finding::warn(Section::Leftovers, "record", words);
        found.push(match (key.as_str().parse::<ApiUrl>(), record) {
            (Ok(url), _) => finding.fix(autocom("auth logout").option("--api-url", url)),
            (_, Ok(Some(Record { api_url, .. }))) if is_free(key.as_str()) => {
                let set = autocom("profiles set").value(key);
                finding.fix(set.setting("api_url", api_url).setting("credential", key))
            }
            _ => finding,
        });
    });
    found
}

fn ends(end: jiff::Timestamp, now: jiff::Timestamp) -> String {
    let word = if end <= now { "expired" } else { "valid" };
    format!("{word} ({})", relative(end, now))
}
