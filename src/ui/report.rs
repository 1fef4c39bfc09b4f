//! A report for terminals: groups of lines, long ones wrapped, commands whole so that they can be copied.

use unicode_width::UnicodeWidthStr;

use super::style::Tone;
use super::view::{Cell, Group, Item};
use crate::domain::sanitized;

/// In a terminal narrower than this the text begins on a line of its own.
const LEAST_TEXT: usize = 40;

pub(super) fn draw(groups: &[Group], summary: &Cell, width: usize, colours: bool) -> String {
    let items = || groups.iter().flat_map(|group| &group.items);
    let marks = items().map(|item| item.mark.text().width()).max().unwrap_or(0);
    let names = items().map(|item| sanitized(&item.name).width()).max().unwrap_or(0);
    let mut out = String::new();
    for group in groups {
        out += &format!("{}\n", Tone::Strong.paint(group.title, colours));
        for item in &group.items {
            draw_item(&mut out, item, (marks, names), width, colours);
        }
        out.push('\n');
    }
    out + &summary.tone.paint(summary.text(), colours) + "\n"
}

fn draw_item(out: &mut String, item: &Item, (marks, names): (usize, usize), width: usize, colours: bool) {
    let (mark, name) = (&item.mark, sanitized(&item.name));
    let blanks = |text: &str, to: usize| " ".repeat(to.saturating_sub(text.width()));
    let head = format!("  {}{}  {name}", mark.tone.paint(mark.text(), colours), blanks(mark.text(), marks));
    let beside = 2 + marks + 2 + names + 2;
    let (indent, beside) =
        if width.saturating_sub(beside) >= LEAST_TEXT { (beside, true) } else { (2 + marks + 2, false) };
    let lines = wrapped(&sanitized(&item.text), width.saturating_sub(indent).max(20));
    let margin = " ".repeat(indent);
    *out += &head;
    for (n, line) in lines.iter().enumerate() {
        match n == 0 && beside {
            true => *out += &format!("{}  {line}\n", blanks(&name, names)),
            false if n == 0 => *out += &format!("\n{margin}{line}\n"),
            false => *out += &format!("{margin}{line}\n"),
        }
    }
    if let Some(command) = &item.command {
        let arrow = Tone::Faint.paint("→", colours);
        *out += &format!("{margin}{arrow} {}\n", Tone::Strong.paint(&sanitized(command), colours));
    }
}

/// At blanks; a word that is too long for a line is broken by the terminal.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_beside_its_name_or_below_it_and_a_command_stays_whole() {
        let item = Item {
            mark: Cell::new("warn"),
            name: "config.toml".to_owned(),
            text: "/home/ada/.autocom/config.toml is open to others (mode 0644)".to_owned(),
            command: Some("chmod 600 /home/ada/.autocom/config.toml".to_owned()),
        };
        let groups = [Group { title: "files", items: vec![item] }];
        let draw = |width| draw(&groups, &Cell::new("1 to look at"), width, false);
        insta::assert_snapshot!(draw(70), @r"
        files
          warn  config.toml  /home/ada/.autocom/config.toml is open to others
                             (mode 0644)
                             → chmod 600 /home/ada/.autocom/config.toml

        1 to look at
        ");
        insta::assert_snapshot!(draw(50), @r"
        files
          warn  config.toml
                /home/ada/.autocom/config.toml is open to
                others (mode 0644)
                → chmod 600 /home/ada/.autocom/config.toml

        1 to look at
        ");
    }
}
