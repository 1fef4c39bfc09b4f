//! The question that `profiles use` asks when it is given no name.

use jiff::Timestamp;

use super::list::{token_cell, user_cell};
use super::names::{name_cell, note_on};
use crate::domain::{ApiUrl, NextCommand, ProfileName, TokenStatus, autocom};
use crate::error::{Error, Kind, Result};
use crate::session::answers::listing::{self, ProfileRow};
use crate::session::context::Context;
use crate::system::prompter::{Choice, Room};
use crate::ui::table::{GAP, cut, lines};
use crate::ui::view::{Cell, Column};

/// No name is cut shorter than this so that the state of its token can stand beside it.
const SHORTEST_NAME: usize = 16;

const COLUMNS: [Column; 5] = [
    Column::kept("PROFILE"),
    Column::expendable("HOST", 2),
    Column::expendable("TENANT", 4),
    Column::expendable("USER", 3),
    Column::expendable("TOKEN", 1),
];

/// The profile that the person chooses. `command` is what to type where nobody can be asked.
pub(super) fn pick(context: &Context, command: &NextCommand) -> Result<ProfileName> {
    let known = context.config()?.profiles();
    if known.is_empty() {
        return Err(Error::usage("there is no profile yet").hint(
            autocom("auth login --api-url").placeholder("https://api.example.test").words("--client-id ID"),
        ));
    }
    if !context.can_ask() {
        let names: Vec<&str> = known.iter().map(ProfileName::as_str).collect();
        return Err(Error::usage("no profile is named, and nobody can be asked which")
            .hint(command.clone().text(format!(", where NAME is one of: {}", names.join(", ")))));
    }
    // What exists only in variables can't be made the active one.
    let mut rows = listing::listing(context)?.rows;
    rows.retain(|row| named(row, &known).is_some());
    let start = rows.iter().position(|row| row.active).unwrap_or(0);
    let choices = choices(&rows, context.prompter().room(), context.clock().now());
    let chosen = context.prompter().choose("Which profile?", &choices, start);
    let chosen = chosen.and_then(|index| named(rows.get(index)?, &known));
    chosen.cloned().ok_or_else(|| Error::new(Kind::Interrupted, "no profile was chosen: nothing was changed"))
}

fn named<'n>(row: &ProfileRow, known: &'n [ProfileName]) -> Option<&'n ProfileName> {
    known.iter().find(|name| row.name.as_deref() == Some(name.as_str()))
}

fn choices(rows: &[ProfileRow], room: Room, now: Timestamp) -> Vec<Choice> {
    let cells: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row, room.columns, now)).collect();
    let lines = lines(&COLUMNS, &cells, room.columns, room.colours);
    rows.iter().zip(lines).map(|(row, line)| Choice { line, name: name(row), words: words(row) }).collect()
}

fn cells(row: &ProfileRow, columns: usize, now: Timestamp) -> Vec<Cell> {
    // It is the name that gets shorter, not what is said behind it.
    let around =
        note_on(row.protection_state, now).map_or(0, |(note, _)| " ()".len() + note.len()) + "* ".len();
    let token = usize::from(GAP) + TokenStatus::Refreshable.as_str().len();
    let longest = columns.saturating_sub(around + token);
    let longest = if longest < SHORTEST_NAME { longest + token } else { longest };
    let name = Cell::starred(&cut(&name(row), longest), row.active);
    vec![
        name_cell(name, row.protection_state, now),
        Cell::or_absent(host(row)),
        Cell::or_absent(row.tenant.clone()),
        user_cell(row),
        token_cell(row.token),
    ]
}

fn words(row: &ProfileRow) -> Vec<String> {
    [row.name.clone(), host(row), row.tenant.clone(), row.user.clone()].into_iter().flatten().collect()
}

fn name(row: &ProfileRow) -> String {
    row.name.clone().unwrap_or_default()
}

fn host(row: &ProfileRow) -> Option<String> {
    Some(row.api_url.as_ref()?.parse::<ApiUrl>().ok()?.authority())
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::session::profile::protection_state::ProtectionState;

    #[test]
    fn each_profile_has_one_line_that_fits_and_keeps_its_mark() {
        let row = |name: &str, user: &str, protection_state| ProfileRow {
            name: Some(name.to_owned()),
            active: name == "staging",
            api_url: Some("https://api.staging.example.test:8443/api/v1".to_owned()),
            tenant: Some("acme".to_owned()),
            user: Some(user.to_owned()),
            token: TokenStatus::Refreshable,
            expires_at: None,
            store: None,
            credential: None,
            protected: None,
            unlocked_until: None,
            check: None,
            protection_state,
            other_user: false,
            token_variable: None,
        };
        let now = Timestamp::UNIX_EPOCH;
        let rows = [
            row("staging", "ada@example.test", ProtectionState::Open),
            row("prod", "漢字漢字@example.test", ProtectionState::Protected),
        ];
        let drawn = |rows: &[ProfileRow], columns| {
            let choices = choices(rows, Room { columns, colours: false }, now);
            choices.into_iter().map(|choice| choice.line + "\n").collect::<String>()
        };
        insta::assert_snapshot!(drawn(&rows, 198), @r"
        * staging           api.staging.example.test:8443  acme  ada@example.test       refreshable
          prod (protected)  api.staging.example.test:8443  acme  漢字漢字@example.test  refreshable
        ");
        insta::assert_snapshot!(drawn(&rows, 58), @r"
        * staging           api.staging.example.test…  refreshable
          prod (protected)  api.staging.example.test…  refreshable
        ");
        let long = [
            row(&"n".repeat(64), &"u".repeat(200), ProtectionState::Protected),
            row("x", "x", ProtectionState::Unlocked { until: now + jiff::SignedDuration::from_mins(14) }),
        ];
        insta::assert_snapshot!(drawn(&long, 58), @r"
          nnnnnnnnnnnnnnnnnnnnnnnnnnnnnn… (protected)  refreshable
          x (unlocked, 14 min left)                    refreshable
        ");
        for columns in 34..200 {
            let text = drawn(&long, columns);
            let fits = text.lines().all(|line| line.width() <= columns);
            assert!(fits && text.lines().count() == 2 && text.contains(" (protected)"), "{columns}:\n{text}");
        }
    }
}
