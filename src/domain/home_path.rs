//! Paths as people write them: a leading `~` is the home folder, also where no shell has expanded it.

use std::path::{Component, Path, PathBuf};

use super::Invalid;

/// `path` with a leading `~` as `home`. A single `~NAME` is a file's name.
///
/// # Errors
/// It begins with `~USER/`, which only a shell can expand, or there is no home.
pub fn expand_home(path: &Path, home: Option<&Path>) -> Result<PathBuf, Invalid> {
    let mut parts = path.components();
    let first = match parts.next() {
        Some(Component::Normal(first)) => first.to_string_lossy(),
        _ => return Ok(path.to_owned()),
    };
    let rest = parts.as_path();
    let is_alone = rest.as_os_str().is_empty();
    match (first.strip_prefix('~'), home) {
        (Some(""), Some(home)) if is_alone => Ok(home.to_owned()),
        (Some(""), Some(home)) => Ok(home.join(rest)),
        (Some(""), None) => Err(Invalid("begins with `~`, and there is no home folder".to_owned())),
        (Some(_), _) if !is_alone => {
            Err(Invalid("begins with `~USER/`, which only a shell expands".to_owned()))
        }
        _ => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_tilde_is_the_home_and_no_other() {
        let expanded = |text: &str| expand_home(Path::new(text), Some(Path::new("/home/ada")));
        for (text, path) in [
            ("~", "/home/ada"),
            ("~/", "/home/ada"),
            ("~/a/~", "/home/ada/a/~"),
            ("./~/a", "./~/a"),
            ("a~", "a~"),
            ("~a", "~a"),
            ("/~/a", "/~/a"),
        ] {
            assert_eq!(expanded(text).unwrap(), Path::new(path), "{text}");
        }
        assert!(expanded("~grace/a").is_err());
        assert!(expand_home(Path::new("~/a"), None).is_err());
    }
}
