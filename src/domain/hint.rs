//! What to do next, as data: it is rendered once, where it is shown.

use std::borrow::Cow;
use std::fmt;

use super::shell_word;

/// Text, and commands of autocom in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint(Vec<HintPart>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum HintPart {
    Text(String),
    Command(NextCommand),
}

/// A command of autocom, before a shell sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextCommand {
    arguments: Vec<Argument>,
    /// What its user has to redirect into it.
    input: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    Literal(&'static str),
    /// Known only at run time; never a secret.
    Value(String),
    /// For the user to fill in; `before` is what precedes it in the word, as in `api_url=URL`.
    Placeholder {
        before: String,
        name: String,
    },
}

/// An option of a [`NextCommand`], and its value if it takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOption {
    pub flag: &'static str,
    pub value: Option<Argument>,
}

/// What grants what was refused, or loses something: a person decides on that, and no program.
const COMMANDS_FOR_A_PERSON: [&str; 6] =
    ["auth logout", "logout", "config unset", "profiles remove", "profiles unlock", "profiles unpin"];
const FLAGS_FOR_A_PERSON: [&str; 3] = ["--accept", "--confirm", "--force"];
const KEYS_FOR_A_PERSON: [&str; 2] = ["protected", "expect_user"];

/// A command; of its words, those in capitals are [placeholders](Argument::Placeholder).
#[inline(never)]
pub fn autocom(words: &'static str) -> NextCommand {
    NextCommand::default().words(words)
}

// What is not inlined here is called from some 150 places: inlined it would be 37 KB of the program.
impl NextCommand {
    /// More words, as in [`autocom`].
    #[inline(never)]
    pub fn words(mut self, words: &'static str) -> NextCommand {
        self.arguments.extend(words.split(' ').map(Argument::new));
        self
    }

    #[inline(never)]
    pub fn argument(mut self, argument: Argument) -> NextCommand {
        self.arguments.push(argument);
        self
    }

    pub fn value(self, value: impl fmt::Display) -> NextCommand {
        self.argument(Argument::Value(value.to_string()))
    }

    pub fn option(self, flag: &'static str, value: impl fmt::Display) -> NextCommand {
        self.argument(Argument::Literal(flag)).value(value)
    }

    /// `KEY=VALUE`.
    pub fn setting(self, key: impl fmt::Display, value: impl fmt::Display) -> NextCommand {
        self.value(format_args!("{key}={value}"))
    }

    pub fn placeholder(self, name: impl Into<String>) -> NextCommand {
        self.argument(Argument::placeholder("", name))
    }

    #[inline(never)]
    pub fn input(self, file: &'static str) -> NextCommand {
        NextCommand { input: Some(file), ..self }
    }

    /// The hint that ends with this command.
    pub fn after(self, text: impl Into<String>) -> Hint {
        Hint::from(text.into()).command(self)
    }

    /// The hint that begins with this command.
    pub fn text(self, text: impl Into<String>) -> Hint {
        Hint::from(self).text(text)
    }

    /// Whether it begins with these words.
    pub fn is(&self, words: &str) -> bool {
        let mut own = self.arguments.iter();
        words.split(' ').all(|word| own.next().is_some_and(|own| own.is(word)))
    }

    /// Whether one of its words is this one.
    pub fn has(&self, word: &str) -> bool {
        self.arguments.iter().any(|own| own.is(word))
    }

    /// With those of `options` that it lacks, before its own.
    pub fn with(mut self, options: &[CommandOption]) -> NextCommand {
        let is_flag = |word: &Argument| matches!(word, Argument::Literal(word) if word.starts_with('-'));
        let at = self.arguments.iter().position(is_flag).unwrap_or(self.arguments.len());
        let lacking = options.iter().filter(|option| !self.has(option.flag));
        let words: Vec<_> = lacking.flat_map(CommandOption::words).collect();
        self.arguments.splice(at..at, words);
        self
    }

    pub fn without(mut self, option: &CommandOption) -> NextCommand {
        let words: Vec<_> = option.words().collect();
        if let Some(at) = self.arguments.windows(words.len()).position(|own| own == words) {
            self.arguments.drain(at..at + words.len());
        }
        self
    }

    /// Whether it grants what was refused, or loses something.
    pub fn is_for_a_person(&self) -> bool {
        let names = |words: &str| {
            let words: Vec<&str> = words.split(' ').collect();
            let mut own = self.arguments.windows(words.len());
            own.any(|own| own.iter().zip(&words).all(|(own, word)| own.is(word)))
        };
        let mut settings = FLAGS_FOR_A_PERSON.iter().chain(&KEYS_FOR_A_PERSON);
        COMMANDS_FOR_A_PERSON.into_iter().any(names)
            || settings.any(|name| self.arguments.iter().any(|word| word.sets(name)))
    }

    /// Its words as a program takes them. `None`: it is for a person only, or needs a file redirected into it.
    pub fn argv(&self) -> Option<impl Iterator<Item = Argument>> {
        let words = std::iter::once(Argument::Literal("autocom")).chain(self.arguments.iter().cloned());
        (!self.is_for_a_person() && self.input.is_none()).then_some(words)
    }
}

impl CommandOption {
    pub fn new(flag: &'static str, value: impl fmt::Display) -> CommandOption {
        CommandOption { flag, value: Some(Argument::Value(value.to_string())) }
    }

    pub fn placeholder(flag: &'static str, name: &str) -> CommandOption {
        CommandOption { flag, value: Some(Argument::placeholder("", name)) }
    }

    pub fn words(&self) -> impl Iterator<Item = Argument> {
        std::iter::once(Argument::Literal(self.flag)).chain(self.value.clone())
    }
}

impl Argument {
    fn new(word: &'static str) -> Argument {
        let (before, name) =
            word.rsplit_once('=').map_or(("", word), |(before, _)| word.split_at(before.len() + 1));
        let is_placeholder = name.len() > 1
            && name.chars().all(|c| c.is_ascii_uppercase() || c == '-')
            && !name.starts_with('-');
        if is_placeholder { Argument::placeholder(before, name) } else { Argument::Literal(word) }
    }

    pub fn placeholder(before: impl Into<String>, name: impl Into<String>) -> Argument {
        Argument::Placeholder { before: before.into(), name: name.into() }
    }

    fn is(&self, word: &str) -> bool {
        match self {
            Argument::Literal(own) => *own == word,
            Argument::Value(own) => own == word,
            Argument::Placeholder { .. } => false,
        }
    }

    /// Whether it is `KEY=...`, or `KEY` on its own.
    fn sets(&self, key: &str) -> bool {
        let text = match self {
            Argument::Literal(text) => text,
            Argument::Value(text) => text.as_str(),
            Argument::Placeholder { before, .. } => before,
        };
        text.split('=').next() == Some(key)
    }
}

impl Hint {
    pub fn text(mut self, text: impl Into<String>) -> Hint {
        self.0.push(HintPart::Text(text.into()));
        self
    }

    pub fn command(mut self, command: NextCommand) -> Hint {
        self.0.push(HintPart::Command(command));
        self
    }

    pub fn commands(&self) -> impl Iterator<Item = &NextCommand> {
        self.0.iter().filter_map(|part| match part {
            HintPart::Command(command) => Some(command),
            HintPart::Text(_) => None,
        })
    }

    /// With what `change` makes of each of its commands.
    pub fn each(self, change: impl Fn(NextCommand) -> Hint) -> Hint {
        let parts = self.0.into_iter().flat_map(|part| match part {
            HintPart::Command(command) => change(command).0,
            text => vec![text],
        });
        Hint(parts.collect())
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Hint {
        Hint(vec![HintPart::Text(text)])
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Hint {
        text.to_owned().into()
    }
}

impl From<NextCommand> for Hint {
    fn from(command: NextCommand) -> Hint {
        Hint(vec![HintPart::Command(command)])
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            HintPart::Text(text) => f.write_str(text),
            HintPart::Command(command) => command.fmt(f),
        })
    }
}

impl fmt::Display for NextCommand {
    /// As it is typed into a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("autocom")?;
        self.arguments.iter().try_for_each(|word| write!(f, " {word}"))?;
        self.input.iter().try_for_each(|file| write!(f, " < {file}"))
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Argument::Literal(text) => f.write_str(text),
            Argument::Value(text) => f.write_str(&shell_word(text)),
            Argument::Placeholder { before, name } => write!(f, "{before}{name}"),
        }
    }
}

impl serde::Serialize for Hint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for Hint {
    fn schema_name() -> Cow<'static, str> {
        "Hint".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(command: NextCommand) -> Option<Vec<Argument>> {
        command.argv().map(Iterator::collect)
    }

    #[test]
    fn a_command_is_rendered_for_a_shell_and_listed_for_a_program() {
        let command = autocom("profiles set").value("it's").words("api_url=URL").option("--tenant", "a b");
        assert_eq!(command.to_string(), r"autocom profiles set 'it'\''s' api_url=URL --tenant 'a b'");
        let words = argv(command).unwrap();
        assert_eq!(words[3], Argument::Value("it's".to_owned()));
        assert_eq!(words[4], Argument::placeholder("api_url=", "URL"));
    }

    #[test]
    fn options_come_once_and_before_those_that_are_there() {
        let options = [CommandOption::new("--profile", "prod"), CommandOption { flag: "--use", value: None }];
        let with = |words| autocom(words).with(&options);
        assert_eq!(
            with("auth login --no-browser").to_string(),
            "autocom auth login --profile prod --use --no-browser"
        );
        let named = with("auth login --profile NAME --token-stdin");
        assert_eq!(named.to_string(), "autocom auth login --use --profile NAME --token-stdin");
        assert_eq!(named.clone().with(&options), named);
        assert_eq!(
            with("tenants use acme").without(&options[0]).to_string(),
            "autocom tenants use acme --use"
        );
    }

    #[test]
    fn what_a_person_must_decide_is_no_next_command() {
        for command in [
            autocom("logout"),
            autocom("profiles remove").value("prod"),
            autocom("profiles pin").option("--accept", "x"),
            autocom("profiles set").value("prod").setting("protected", false),
            autocom("config set protected false"),
            autocom("profiles set prod protected=VALUE"),
            autocom("-p prod profiles").value("rename").value("a").option("--confirm=prod", "b"),
            autocom("-p prod profiles remove NAME"),
            autocom("auth login --token-stdin").input("token.txt"),
        ] {
            assert_eq!(argv(command.clone()), None, "{command}");
        }
        assert!(argv(autocom("auth login").option("--profile", "protected-eu")).is_some());
    }
}
