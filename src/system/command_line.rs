//! What other programs can read of this process's command line.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

/// Overwrites the values among the arguments in what `ps` and `/proc` show.
///
/// A bus that refuses a call writes the caller's command line to the system's log, and with it the token
/// of `--with-token` and the password in `-f password=...`. Where `/proc` can't be written nothing is
/// hidden, and that is no error.
pub fn hide_values() {
    let (Some(start), Ok(words)) = (start_of_arguments(), fs::read("/proc/self/cmdline")) else { return };
    let Ok(memory) = OpenOptions::new().write(true).open("/proc/self/mem") else { return };
    for (at, length) in values(&words) {
        let _ = memory.write_all_at(&vec![b'x'; length], start + at as u64);
    }
}

/// Field 48 of proc_pid_stat(5). The fields are counted from the third, which follows the program's name
/// in parentheses.
fn start_of_arguments() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(48 - 3)?.parse().ok().filter(|start| *start != 0)
}

/// Offset and length of each word that is not the program, an option or the name of a command.
fn values(words: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut at, mut after_option) = (0, false);
    for (n, word) in words.split(|byte| *byte == 0).enumerate() {
        let plain = word.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
        let option = plain && word.starts_with(b"-");
        if n > 0 && !option && (!plain || after_option) {
            found.push((at, word.len()));
        }
        after_option = option;
        at += word.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_commands_are_shown_and_values_are_not() {
        let line = b"autocom\0auth\0login\0--with-token\0secret\0--api-url=https://h\0--no-browser\0-f\0password=x\0p1\0";
        let hidden: Vec<_> = values(line).iter().map(|(at, length)| &line[*at..at + length]).collect();
        let hidden: Vec<_> = hidden.into_iter().map(|word| str::from_utf8(word).unwrap()).collect();
        assert_eq!(hidden, ["secret", "--api-url=https://h", "password=x", "p1"]);
    }
}
