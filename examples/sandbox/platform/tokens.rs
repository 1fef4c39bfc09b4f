//! Codes, access tokens and refresh tokens: who holds which, and until when. Every method is one step under the
//! sandbox's lock, so of several refreshes at once with one token exactly one wins.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

use super::jwt;
use super::knobs::{DefaultScope, Knobs, Passport};
use super::seed::User;

/// The challenge of a login (RFC 7636).
#[derive(Clone)]
pub struct Challenge {
    pub text: String,
    /// The method `plain`: the challenge is the verifier itself.
    pub plain: bool,
}

impl Challenge {
    /// Of a challenge as of a verifier: 43 to 128 unreserved characters.
    pub fn is_well_formed(text: &str) -> bool {
        (43..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    }

    fn is_met_by(&self, verifier: &str) -> bool {
        if self.plain {
            self.text == verifier
        } else {
            self.text == BASE64.encode(Sha256::digest(verifier.as_bytes()))
        }
    }
}

struct Code {
    user: &'static User,
    scope: Option<String>,
    redirect_uri: String,
    challenge: Challenge,
    expires: f64,
    used: bool,
}

struct Access {
    user: &'static User,
    /// `None`: a personal access token.
    login: Option<u64>,
    expires: f64,
}

struct Refresh {
    user: &'static User,
    login: u64,
    /// The access token that was issued with it and dies with it.
    access: String,
    expires: f64,
    revoked: bool,
}

/// Why a code was refused.
pub enum CodeRefusal {
    /// This parameter is missing.
    Parameter(&'static str),
    Unknown,
    Used,
    Expired,
    RedirectUri,
    MalformedVerifier,
    WrongVerifier,
}

/// Why a refresh token was refused: the `hint` of the answer.
pub enum Refusal {
    Unknown,
    Revoked,
    Expired,
}

/// What the token endpoint hands out.
pub struct Issued {
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub expires_in: i64,
    /// What the answer says of it.
    pub scope: Option<String>,
}

#[derive(Default)]
pub struct Tokens {
    codes: HashMap<String, Code>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    logins: u64,
    /// How far the sandbox's clock is ahead, in seconds.
    ahead: f64,
}

impl Tokens {
    /// Seconds since 1970, with fractions, as Passport writes them into its tokens.
    pub fn now(&self) -> f64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()) + self.ahead
    }

    pub fn turn_clock(&mut self, ahead: Duration) {
        self.ahead = ahead.as_secs_f64();
    }

    pub fn mint_code(
        &mut self,
        user: &'static User,
        redirect_uri: String,
        challenge: Challenge,
        scope: Option<String>,
        knobs: &Knobs,
    ) -> String {
        let code = jwt::opaque(match knobs.passport {
            Passport::V12 => 786,
            Passport::V13 => 860,
        });
        let expires = self.now() + knobs.code_ttl_seconds as f64;
        self.codes.insert(code.clone(), Code { user, scope, redirect_uri, challenge, expires, used: false });
        code
    }

    /// The person behind a code and the scope that they approved, once; else what was wrong, in the order in which Passport looks.
    pub fn redeem(
        &mut self,
        code: &str,
        redirect_uri: Option<&str>,
        verifier: Option<&str>,
    ) -> Result<(&'static User, Option<String>), CodeRefusal> {
        let time = self.now();
        let entry = self.codes.get_mut(code).ok_or(CodeRefusal::Unknown)?;
        if entry.expires <= time {
            return Err(CodeRefusal::Expired);
        }
        if entry.used {
            return Err(CodeRefusal::Used);
        }
        if redirect_uri.ok_or(CodeRefusal::Parameter("redirect_uri"))? != entry.redirect_uri {
            return Err(CodeRefusal::RedirectUri);
        }
        let verifier = verifier.ok_or(CodeRefusal::Parameter("code_verifier"))?;
        if !Challenge::is_well_formed(verifier) {
            return Err(CodeRefusal::MalformedVerifier);
        }
        if !entry.challenge.is_met_by(verifier) {
            return Err(CodeRefusal::WrongVerifier);
        }
        entry.used = true;
        Ok((entry.user, entry.scope.clone()))
    }

    /// `scope`: what was asked for.
    pub fn log_in(&mut self, user: &'static User, scope: Option<&str>, knobs: &Knobs) -> Issued {
        let again = if knobs.reuse_tokens { self.issued_before(user) } else { None };
        let issued = again.unwrap_or_else(|| {
            self.logins += 1;
            self.issue(user, self.logins, knobs.access_ttl_seconds, knobs, true)
        });
        let is_empty = scope.is_none() && knobs.default_scope == DefaultScope::Empty;
        Issued { scope: scope.map(str::to_owned).or(is_empty.then(String::new)), ..issued }
    }

    fn issued_before(&self, user: &User) -> Option<Issued> {
        let time = self.now();
        self.refresh.iter().filter(|(_, entry)| entry.user.id == user.id && !entry.revoked).find_map(
            |(token, entry)| {
                let expires = self.access.get(&entry.access)?.expires;
                (expires > time).then(|| Issued {
                    access_token: entry.access.clone(),
                    refresh_token: Some(token.clone()),
                    expires_in: (expires - time) as i64,
                    scope: None,
                })
            },
        )
    }

    /// The old access token dies at once, and the refresh token too unless the sandbox was told otherwise.
    pub fn renew(&mut self, refresh_token: &str, knobs: &Knobs) -> Result<Issued, Refusal> {
        let time = self.now();
        let entry = self.refresh.get_mut(refresh_token).ok_or(Refusal::Unknown)?;
        let (user, login) = (entry.user, entry.login);
        if entry.revoked {
            if knobs.reuse_kills_login {
                self.end_login(login);
            }
            return Err(Refusal::Revoked);
        }
        if entry.expires <= time {
            return Err(Refusal::Expired);
        }
        if !knobs.each_token_alone {
            entry.revoked = knobs.rotate;
            let old = std::mem::take(&mut entry.access);
            self.access.remove(&old);
        }
        let ttl = knobs.refreshed_ttl_seconds.unwrap_or(knobs.access_ttl_seconds);
        let issued = self.issue(user, login, ttl, knobs, knobs.rotate);
        if !knobs.rotate
            && let Some(entry) = self.refresh.get_mut(refresh_token)
        {
            entry.access.clone_from(&issued.access_token);
        }
        Ok(issued)
    }

    fn issue(
        &mut self,
        user: &'static User,
        login: u64,
        ttl: i64,
        knobs: &Knobs,
        with_refresh: bool,
    ) -> Issued {
        let access_token = self.mint_access(user, Some(login), ttl, knobs);
        let refresh_token = with_refresh.then(|| {
            jwt::opaque(match knobs.passport {
                Passport::V12 => 704,
                Passport::V13 => 784,
            })
        });
        if let Some(token) = &refresh_token {
            let expires = knobs.refresh_ttl_seconds.map_or(f64::INFINITY, |ttl| self.now() + ttl as f64);
            let entry = Refresh { user, login, access: access_token.clone(), expires, revoked: false };
            self.refresh.insert(token.clone(), entry);
        }
        Issued { access_token, refresh_token, expires_in: ttl, scope: None }
    }

    pub fn mint_personal(&mut self, user: &'static User, ttl: i64, knobs: &Knobs) -> String {
        self.mint_access(user, None, ttl, knobs)
    }

    fn mint_access(&mut self, user: &'static User, login: Option<u64>, ttl: i64, knobs: &Knobs) -> String {
        let issued = self.now();
        let expires = issued + ttl as f64;
        let token = jwt::access_token(user, issued, expires, knobs);
        self.access.insert(token.clone(), Access { user, login, expires });
        token
    }

    /// The person that an access token speaks for.
    pub fn holder(&self, access_token: &str) -> Option<&'static User> {
        self.access.get(access_token).filter(|entry| entry.expires > self.now()).map(|entry| entry.user)
    }

    pub fn has_login(&self, user: &User) -> bool {
        let time = self.now();
        self.access
            .values()
            .any(|entry| entry.user.id == user.id && entry.login.is_some() && entry.expires > time)
    }

    /// This one token, of either kind, and nothing that came with it: as Passport's logout.
    pub fn revoke(&mut self, token: &str) {
        self.access.remove(token);
        if let Some(entry) = self.refresh.get_mut(token) {
            entry.revoked = true;
        }
    }

    pub fn accepts(&self, token: &str) -> bool {
        let refreshes =
            self.refresh.get(token).is_some_and(|entry| !entry.revoked && entry.expires > self.now());
        refreshes || self.holder(token).is_some()
    }

    fn end_login(&mut self, login: u64) {
        self.access.retain(|_, entry| entry.login != Some(login));
        for entry in self.refresh.values_mut().filter(|entry| entry.login == login) {
            entry.revoked = true;
        }
    }
}
