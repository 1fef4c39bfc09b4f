//! Where a value came from, and which of two values wins.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::one_line;

/// The layers of the configuration, the weakest first: precedence is this derived order and
/// nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    BuiltIn,
    /// Where the variables stand for `api_url`, `tenant`, `client_id`, `scope` and `store` when `--profile`
    /// named the profile: one that was asked for by flag is not bent by what happens to be exported.
    PassedOverVariable,
    /// The top level's `tenant` for a profile of another environment: what its own login learned wins.
    ForeignTopLevel,
    Captured,
    TopLevel,
    Profile,
    Variable,
    Flag,
}

impl Layer {
    pub const ALL: [Layer; 8] = [
        Layer::BuiltIn,
        Layer::PassedOverVariable,
        Layer::ForeignTopLevel,
        Layer::Captured,
        Layer::TopLevel,
        Layer::Profile,
        Layer::Variable,
        Layer::Flag,
    ];

    /// As users read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::BuiltIn => "a default",
            Layer::PassedOverVariable => "a variable beside --profile",
            Layer::ForeignTopLevel => "another environment's top level",
            Layer::Captured => "what a login learned",
            Layer::TopLevel => "the top level",
            Layer::Profile => "the profile's own table",
            Layer::Variable => "a variable",
            Layer::Flag => "a flag",
        }
    }
}

/// Where a value came from. Its `Display` is the phrase that users read, after "from" or in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    /// Captured at the login of that time.
    Login {
        at: Option<Timestamp>,
    },
    /// `line` counts from 1.
    File {
        path: Arc<Path>,
        line: usize,
    },
    /// `profiles pin` bound this directory.
    Pin(Arc<Path>),
    /// A repository's `.autocom.toml` that was accepted.
    Repository(Arc<Path>),
    Variable(String),
    Flag(&'static str),
    /// An argument that is no flag.
    CommandLine,
    /// The profile that a key names, as in `profiles.prod.tenant`.
    Key,
    /// One of the profiles that the command is about.
    List,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str("built-in default"),
            Origin::Login { at: Some(at) } => write!(f, "login of {}", at.strftime("%Y-%m-%d %H:%M UTC")),
            Origin::Login { at: None } => f.write_str("login"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Pin(directory) => write!(f, "pin of {}", one_line(&directory.display().to_string())),
            Origin::Repository(path) => f.write_str(&one_line(&path.display().to_string())),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag(flag) => f.write_str(flag),
            Origin::CommandLine => f.write_str("the command line"),
            Origin::Key => f.write_str("the key"),
            Origin::List => f.write_str("the list of all"),
        }
    }
}
