//! The secrets that this process knows, and the search for them in what it writes.
//!
//! A server, a proxy or the message bus may repeat a token in any text that it sends. So whatever is shown, logged
//! or kept is searched for every secret of 16 characters and more: as it is, percent-encoded, in base64, and for
//! any run of 16 characters of one. Shorter ones are not searched for: that would tear plain words, and its holes
//! would tell what the secret is.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};

/// How many characters of a secret in a row are too many.
const RUN: usize = 16;

const REDACTED: &str = "[redacted]";

/// What tokens begin with: JWTs, personal access tokens, and the refresh tokens of Passport.
const PREFIXES: [&str; 3] = ["eyJ", "pat_", "def50200"];

/// A word this short is no token, whatever it begins with.
const MIN_TOKEN: usize = 8;

/// From this length on a word of letters and digits is taken for a token.
const LONG_WORD: usize = 40;

/// What the names of fields, headers and options hold whose values are secrets.
const SECRET_NAMES: [&str; 7] =
    ["password", "passwd", "secret", "token", "api-key", "authorization", "cookie"];

static KNOWN: Mutex<Known> = Mutex::new(Known {
    secrets: Vec::new(),
    indexed: 0,
    runs: None,
    words: Vec::new(),
    token_words: Vec::new(),
});

struct Known {
    secrets: Vec<Arc<SecretString>>,
    /// How many of them are in `runs`. A command that writes nothing long never pays for the index.
    indexed: usize,
    runs: Option<HashSet<[u8; RUN]>>,
    /// The words of the command line that are long enough to be a secret.
    words: Vec<String>,
    /// Those that look like a token, or are one.
    token_words: Vec<String>,
}

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on `secret` is searched for.
pub(super) fn remember(secret: &Arc<SecretString>) {
    if secret.expose_secret().len() >= RUN {
        known().secrets.push(Arc::clone(secret));
    }
}

/// Takes note of the words that were typed: those that look like a token, and the values of what is named like a
/// secret (`-f password=...`, `--with-token ...`).
pub fn note_command_line<'a>(words: impl IntoIterator<Item = &'a str>) {
    let mut known = known();
    let mut before = "";
    for word in words {
        let named = word.split_once(['=', ':']);
        let (name, value) = named.unwrap_or((if before.starts_with('-') { before } else { "" }, word));
        if names_a_secret(name) {
            known.add(value.trim());
        }
        for piece in pieces(word) {
            if looks_like_a_token(piece) {
                known.token_words.push(piece.to_owned());
            } else if piece.len() >= RUN {
                known.words.push(piece.to_owned());
            }
        }
        before = word;
    }
    // A long one first: a short one may be a part of it.
    known.token_words.sort_by_key(|word| std::cmp::Reverse(word.len()));
}

/// These exist, so a word of the command line that is one of them is no token, however long it is.
pub fn note_names<'a>(names: impl IntoIterator<Item = &'a str>) {
    let mut known = known();
    if !known.token_words.is_empty() {
        let names: HashSet<&str> = names.into_iter().collect();
        known.token_words.retain(|word| !names.contains(word.as_str()));
    }
}

/// Whether a word is more likely a token than anything else that is typed.
pub fn looks_like_a_token(word: &str) -> bool {
    if word.len() < MIN_TOKEN {
        return false;
    }
    if let Some(prefix) = PREFIXES.iter().find(|prefix| word.starts_with(*prefix)) {
        // `pat_` begins names of people and shops, too.
        return *prefix != "pat_" || word.bytes().any(|b| b.is_ascii_digit());
    }
    let (letter, digit) = (|b: u8| b.is_ascii_alphabetic(), |b: u8| b.is_ascii_digit());
    let of_a_token = |b: u8| letter(b) || digit(b) || b"-_|~+=".contains(&b);
    if word.len() < LONG_WORD || !word.bytes().all(of_a_token) {
        return false;
    }
    let plain: Vec<u8> = word.bytes().filter(|b| b.is_ascii_alphanumeric()).collect();
    let changes = plain.windows(2).filter(|pair| digit(pair[0]) != digit(pair[1])).count();
    // A name of several words has a number at its end; a token has its digits anywhere.
    changes >= if plain.len() == word.len() { 1 } else { 4 }
}

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// What a word of the command line may hold: itself, what is behind a short option, and the parts of a list, a
/// setting, a header or an address.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let attached =
        word.strip_prefix('-').filter(|rest| !rest.starts_with('-')).and_then(|rest| rest.get(1..));
    let whole = [Some(word.trim_start_matches('-')), attached].into_iter().flatten();
    whole.flat_map(|word| {
        let stops = |c: char| c.is_whitespace() || "=,?&\"';()[]{}<>!*".contains(c);
        let parts = word.split(stops).filter(|part| !part.contains(['/', ':', '@']));
        // In an address or a path only what begins like a token is one, and no e-mail address is.
        let is_url = word.contains("//");
        let within = word.split(move |c: char| stops(c) || "/:".contains(c) || is_url && c == '@');
        let within = within.filter(|part| !part.contains('@'));
        let within = within.filter(|part| PREFIXES.iter().any(|prefix| part.starts_with(prefix)));
        parts.map(|part| part.trim_matches('.')).chain(within)
    })
}

/// `text` without what must not be shown: the secrets that are known, words of the command line that look like a
/// token, and user names and passwords in addresses.
pub fn redacted(text: &str) -> Cow<'_, str> {
    if text.len() < MIN_TOKEN {
        return Cow::Borrowed(text);
    }
    let text = without_user_info(text);
    let mut known = known();
    if known.secrets.is_empty() && known.token_words.is_empty() {
        return text;
    }
    known.index();
    let mut text = text;
    for word in &known.token_words {
        if text.contains(word.as_str()) {
            let start: String = word.chars().take(4).collect();
            let shown = format!("{start}… ({} characters)", word.chars().count());
            text = Cow::Owned(text.replace(word, &shown));
        }
    }
    match known.found_in(&text) {
        found if found.is_empty() => text,
        found => Cow::Owned(replaced(&text, found)),
    }
}

/// Whether `text` holds a secret that is known: it is better not kept.
pub fn holds_secret(text: &str) -> bool {
    let mut known = known();
    known.index();
    !known.found_in(text).is_empty()
}

impl Known {
    fn add(&mut self, text: &str) {
        if text.len() >= RUN {
            self.secrets.push(Arc::new(SecretString::from(text)));
        }
    }

    /// Brings the index up to the secrets that are known by now.
    fn index(&mut self) {
        let runs = self.runs.get_or_insert_default();
        for secret in &self.secrets[self.indexed..] {
            let secret = secret.expose_secret();
            let told = secret.as_bytes()[header(secret)..].to_ascii_lowercase();
            runs.extend(told.windows(RUN).filter_map(|run| <[u8; RUN]>::try_from(run).ok()));
            if self.words.iter().any(|word| word == secret) {
                self.token_words.push(secret.to_owned());
            }
        }
        self.indexed = self.secrets.len();
    }

    /// Where `text` holds a run of a secret, in order, no two of them touching.
    fn found_in(&self, text: &str) -> Vec<Range<usize>> {
        let Some(runs) = self.runs.as_ref().filter(|runs| !runs.is_empty()) else { return Vec::new() };
        let mut found = Vec::new();
        let plain = Decoded::plain(text.as_bytes());
        plain.search(runs, &mut found);
        let unescaped = text.contains('%').then(|| Decoded::percent(text.as_bytes()));
        unescaped.iter().for_each(|decoded| decoded.search(runs, &mut found));
        for decoded in unescaped.as_ref().unwrap_or(&plain).base64() {
            decoded.search(runs, &mut found);
        }
        found.sort_unstable_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }
}

/// A text, or a part of it, as it was before it was encoded.
struct Decoded<'t> {
    bytes: Cow<'t, [u8]>,
    /// Where in the text each byte comes from; `None`: they are the text's own.
    places: Option<Vec<Range<usize>>>,
}

impl<'t> Decoded<'t> {
    fn plain(text: &'t [u8]) -> Decoded<'t> {
        Decoded { bytes: Cow::Borrowed(text), places: None }
    }

    fn percent(text: &[u8]) -> Decoded<'static> {
        let hex = |at: usize| char::from(*text.get(at)?).to_digit(16);
        let (mut bytes, mut places, mut at) = (Vec::new(), Vec::new(), 0);
        while at < text.len() {
            let escaped = (text[at] == b'%').then(|| Some(hex(at + 1)? * 16 + hex(at + 2)?)).flatten();
            let length = if escaped.is_some() { 3 } else { 1 };
            bytes.push(escaped.and_then(|byte| u8::try_from(byte).ok()).unwrap_or(text[at]));
            places.push(at..at + length);
            at += length;
        }
        Decoded { bytes: Cow::Owned(bytes), places: Some(places) }
    }

    /// What the words mean that may be base64, in either alphabet. A secret that stands in the middle of what was
    /// encoded may begin with any of four characters.
    fn base64(&self) -> impl Iterator<Item = Decoded<'static>> {
        let mut words = Vec::new();
        let mut start = None;
        for (at, byte) in self.bytes.iter().chain(b" ").enumerate() {
            match (sextet(*byte), start) {
                (Some(_), None) => start = Some(at),
                (None, Some(from)) => {
                    words.extend((from..from + 4).map(|from| from..at));
                    start = None;
                }
                _ => {}
            }
        }
        let words = words.into_iter().filter(|word| word.len() * 6 >= RUN * 8);
        words.map(|word| {
            let (mut bytes, mut places) = (Vec::new(), Vec::new());
            let (mut bits, mut held) = (0_u32, 0);
            for (at, byte) in word.clone().zip(&self.bytes[word]) {
                (bits, held) = (bits << 6 | sextet(*byte).unwrap_or_default(), held + 6);
                if held >= 8 {
                    held -= 8;
                    bytes.push((bits >> held & 0xff) as u8);
                    places.push(self.place(at - 1).start..self.place(at).end);
                }
            }
            Decoded { bytes: Cow::Owned(bytes), places: Some(places) }
        })
    }

    fn place(&self, at: usize) -> Range<usize> {
        self.places.as_ref().map_or(at..at + 1, |places| places[at].clone())
    }

    fn search(&self, runs: &HashSet<[u8; RUN]>, found: &mut Vec<Range<usize>>) {
        // A host name comes back in lower case.
        for (at, run) in self.bytes.to_ascii_lowercase().windows(RUN).enumerate() {
            if runs.contains(run) {
                found.push(self.place(at).start..self.place(at + RUN - 1).end);
            }
        }
    }
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// How long the header of a JWT is, which tells nothing: all tokens of a platform share it.
fn header(secret: &str) -> usize {
    secret.find('.').filter(|_| secret.starts_with("eyJ")).unwrap_or_default()
}

fn replaced(text: &str, found: Vec<Range<usize>>) -> String {
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for Range { mut start, mut end } in found {
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        while !text.is_char_boundary(end) {
            end += 1;
        }
        // Two runs may share a character of several bytes.
        start = start.max(done);
        if end <= done {
            continue;
        }
        // The header of a JWT goes with the rest of it.
        let in_header = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let before = &text[done..start];
        let kept = before.trim_end_matches(in_header);
        out += if before[kept.len()..].starts_with("eyJ") { kept } else { before };
        out += REDACTED;
        done = end;
    }
    out + &text[done..]
}

/// `text` without the user name and password of every address in it. Our own placeholder stays.
fn without_user_info(text: &str) -> Cow<'_, str> {
    const SCHEME_END: &str = "://";
    // Nearly every cell of a table.
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(SCHEME_END) {
        let (before, after) = rest.split_at(at + SCHEME_END.len());
        let stops = |c: char| c.is_whitespace() || c.is_control() || "/\\?#".contains(c);
        let authority = &after[..after.find(stops).unwrap_or(after.len())];
        let user_info = authority.rfind('@').filter(|end| &authority[..*end] != "USER:PASSWORD");
        out += before;
        rest = &after[user_info.map_or(0, |end| end + 1)..];
    }
    if out.len() + rest.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(out + rest) }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;
    use crate::domain::Secret;

    const TOKEN: &str = "1|Qk8+v/ZUd~3xW_redact-test_5oRt";
    const JWT: &str =
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZWRhY3QtdGVzdCJ9.c2lnbmF0dXJlLW9mLXRlc3Q";

    #[test]
    fn a_secret_is_found_whole_in_parts_and_encoded() {
        let _known = [Secret::new(TOKEN), Secret::new(JWT)];
        let percent = utf8_percent_encode(TOKEN, NON_ALPHANUMERIC).to_string();
        let every: String = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for (text, shown) in [
            (TOKEN.to_owned(), "[redacted]"),
            (format!("é{TOKEN}é, {JWT}!"), "é[redacted]é, [redacted]!"),
            (format!("Bearer {}…", &TOKEN[3..19]), "Bearer [redacted]…"),
            (format!("see {}", &TOKEN[3..18]), &*format!("see {}", &TOKEN[3..18])),
            (format!("?t={percent}&x=%"), "?t=[redacted]&x=%"),
            (every, "[redacted]"),
            (JWT.split('.').next().unwrap().to_owned(), "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9"),
        ] {
            assert_eq!(redacted(&text), shown, "{text}");
        }
        for before in ["", "a", "ab", "abc:"] {
            for text in [
                STANDARD.encode(format!("{before}{TOKEN}")),
                URL_SAFE_NO_PAD.encode(format!("{before}{TOKEN}z")),
            ] {
                let shown = redacted(&text).into_owned();
                assert!(shown.contains(REDACTED) && shown.len() < 22, "{shown}");
                let percent = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
                assert!(redacted(&percent).len() < 26, "{percent}");
            }
        }
    }

    #[test]
    fn a_secret_is_found_in_lower_case_and_between_characters_of_several_bytes() {
        let _known =
            ["aaaaaaaaaaaaaaa\u{20000}", "\u{20601}bbbbbbbbbbbbbb", "hostABCDEFGHIJKLMNOP"].map(Secret::new);
        assert_eq!(redacted("https://hostabcdefghijklmnop.test"), "https://[redacted].test");
        assert!(redacted("aaaaaaaaaaaaaaa\u{1f601}bbbbbbbbbbbbbbbb").contains(REDACTED));
    }

    #[test]
    fn an_address_is_shown_without_its_user_and_password() {
        for (text, shown) in [
            ("see https://ada:hunter2@a.test/x.", "see https://a.test/x."),
            (
                "http://a@b@c.test:1, https://d.test as ada@d.test",
                "http://c.test:1, https://d.test as ada@d.test",
            ),
            ("HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT", "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"),
            ("socks5://hunter2@", "socks5://"),
            ("https://ada:hunter'2@h.test", "https://h.test"),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    #[test]
    fn a_token_is_told_from_names_paths_and_addresses() {
        let found = |word: &str| pieces(word).any(looks_like_a_token);
        for token in [
            "pat_Zq8wZq8w",
            "eyJhbGciOiJub25lIn0.e30.",
            "-ppat_Zq8wZq8w",
            "--expect=user=pat_Zq8wZq8w",
            "--pat_Zq8wZq8w",
            "https://pat_Zq8wZq8w@a.test/",
            "https://a.test/?token=eyJhbGciOiJub25lIn0.e30.",
            "3f786850e387550fdab836ed7e6dc881de23001b",
            "tenant=3f786850e387550fdab836ed7e6dc881de23001b,user=x",
            "12|Zq8wZq8-Zq8wZq8wZq8_Zq8wZq8wZq8wZq8wZq8w",
            "Bearer;3f786850e387550fdab836ed7e6dc881de23001b.",
        ] {
            assert!(found(token), "{token}");
        }
        for other in [
            "pat_",
            "pat_production",
            "user=pat_1smith@example.test",
            "path",
            "tenants",
            "123e4567-e89b-12d3-a456-426614174000",
            "a-name-of-many-words-for-the-second-environment-in-eu-west-1",
            "/objects/3f786850e387550fdab836ed7e6dc881de23001b",
            "https://a1.3f786850e387550fdab836ed7e6dc881de23001b.test",
            "AnInternationalizationOfThePlatformsNameses",
            "1234567890123456789012345678901234567890",
        ] {
            assert!(!found(other), "{other}");
        }
    }
}
