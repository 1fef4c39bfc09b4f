//! A segment of a shell's prompt: a template of fields, and what a shell must be told of its colours.
//!
//! Values come from files and from the platform, and a prompt is text that shells expand: `$(...)`
//! and backquotes in bash, `%` in zsh. They differ, and also whether they expand depends on how the
//! prompt is set; so no value keeps a character that means something to any of them.

use std::str::FromStr;

use super::style::Tone;
use crate::domain::printable;

/// A value longer than that would fill the line.
const LONGEST: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentField {
    Profile,
    Tenant,
    Host,
    User,
    Status,
    Mark,
}

impl SegmentField {
    const ALL: [(&'static str, SegmentField); 6] = [
        ("profile", SegmentField::Profile),
        ("tenant", SegmentField::Tenant),
        ("host", SegmentField::Host),
        ("user", SegmentField::User),
        ("status", SegmentField::Status),
        ("mark", SegmentField::Mark),
    ];
}

/// What `--format` says: text and fields in braces. What stands between a brace and the field's name
/// comes and goes with the field, as the colon in `{profile}{:tenant}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<SegmentPart>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum SegmentPart {
    Text(String),
    SegmentField { before: String, field: SegmentField, after: String },
}

impl Template {
    /// The line; `value` gives a field's text and tone, `paint` colours it.
    pub fn fill(
        &self,
        value: impl Fn(SegmentField) -> (String, Tone),
        paint: impl Fn(&str, Tone) -> String,
    ) -> String {
        let part = |part: &SegmentPart| match part {
            SegmentPart::Text(text) => text.clone(),
            SegmentPart::SegmentField { before, field, after } => match value(*field) {
                (text, _) if text.is_empty() => String::new(),
                (text, tone) => format!("{before}{}{after}", paint(&text, tone)),
            },
        };
        self.0.iter().map(part).collect()
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let end = rest.find('}').filter(|_| brace == "{");
            let end =
                end.ok_or_else(|| format!("has a single `{brace}` (write `{brace}{brace}` for the sign)"))?;
            if !plain.is_empty() {
                parts.push(SegmentPart::Text(std::mem::take(&mut plain)));
            }
            parts.push(field(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(SegmentPart::Text(plain));
        }
        Ok(Template(parts))
    }
}

fn field(inner: &str) -> Result<SegmentPart, String> {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let name = inner.trim_matches(|c| !letter(c));
    let found = SegmentField::ALL.into_iter().find(|(known, _)| *known == name);
    let Some((_, field)) = found else {
        let known: Vec<&str> = SegmentField::ALL.into_iter().map(|(name, _)| name).collect();
        return Err(format!("has no field `{name}`; the fields are {}", known.join(", ")));
    };
    let (before, after) = inner.split_once(name).unwrap_or_default();
    Ok(SegmentPart::SegmentField { before: before.to_owned(), field, after: after.to_owned() })
}

/// `text` without a character that any shell would expand, nor one that steers a terminal.
pub fn tame(text: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || "-_.:@/+ ".contains(c);
    let tame: String = text.chars().map(|c| if kept(c) { c } else { '_' }).collect();
    printable(&tame, LONGEST)
}

/// Whose prompt it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptShell {
    Bash,
    Zsh,
    Fish,
}

impl PromptShell {
    pub const ALL: [&'static str; 3] = ["bash", "zsh", "fish"];

    /// The shell of that name; any other needs to be told nothing, as fish.
    pub fn named(name: &str) -> PromptShell {
        match name {
            "bash" => PromptShell::Bash,
            "zsh" => PromptShell::Zsh,
            _ => PromptShell::Fish,
        }
    }
}

/// `text` in its tone. bash and zsh count the characters of a prompt to know where the line wraps, and
/// must be told which of them take no room; fish finds out by itself.
pub fn paint(text: &str, tone: Tone, shell: Option<PromptShell>) -> String {
    let (open, close) = match shell {
        Some(PromptShell::Bash) => (r"\[", r"\]"),
        Some(PromptShell::Zsh) => ("%{", "%}"),
        Some(PromptShell::Fish) | None => ("", ""),
    };
    if tone == Tone::Plain {
        return text.to_owned();
    }
    let style = tone.style();
    format!("{open}{style}{close}{text}{open}{style:#}{close}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, tenant: &str) -> Result<String, String> {
        let value = |field| match field {
            SegmentField::Profile => ("staging".to_owned(), Tone::Good),
            SegmentField::Tenant => (tame(tenant), Tone::Plain),
            _ => (String::new(), Tone::Bad),
        };
        Ok(template.parse::<Template>()?.fill(value, |text, _| text.to_owned()))
    }

    #[test]
    fn what_stands_in_a_field_s_braces_goes_with_it() {
        assert_eq!(filled("{profile}{:tenant}{mark}", "acme").unwrap(), "staging:acme");
        assert_eq!(filled("{profile}{:tenant}{mark}", "").unwrap(), "staging");
        assert_eq!(filled("[{profile}{ (tenant)}] {{x}}", "acme").unwrap(), "[staging (acme)] {x}");
        assert!(filled("{tennant}", "").unwrap_err().contains("`tennant`; the fields are profile, tenant"));
        for bad in ["{", "}", "{profile", "profile}", "{}", "{profile tenant}", "{{{"] {
            assert!(filled(bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn no_value_holds_what_a_shell_expands() {
        assert_eq!(tame("$(touch x)`id`%n\\u!{a}\u{1b}[m"), "__touch x__id__n_u__a___m");
        assert_eq!(tame("ada@x.test é-漢_1"), "ada@x.test é-漢_1");
        assert_eq!(tame(&"a".repeat(99)).chars().count(), LONGEST);
    }

    #[test]
    fn bash_and_zsh_are_told_which_characters_take_no_room() {
        let red = |shell| paint("x", Tone::Bad, shell);
        assert_eq!(red(Some(PromptShell::Bash)), "\\[\u{1b}[31m\\]x\\[\u{1b}[0m\\]");
        assert_eq!(red(Some(PromptShell::Zsh)), "%{\u{1b}[31m%}x%{\u{1b}[0m%}");
        assert_eq!(red(Some(PromptShell::Fish)), "\u{1b}[31mx\u{1b}[0m");
    }
}
