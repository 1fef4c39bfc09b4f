//! How well something is meant by what was typed to find it.

/// Each part counts for less than any better kind of match of the part before.
const EXACT: i64 = 8_000;
const START: i64 = 6_000;
const START_OF_A_PART: i64 = 4_000;
const WITHIN: i64 = 2_000;
/// What a letter costs that was left out between two that were typed.
const SKIPPED: i64 = 10;
/// What is found in the first field, the name, goes before the same found in a later one.
const LATER_FIELD: i64 = 1;

/// Every word that was typed must be found in one of the fields, letters left out allowed and upper case
/// the same as lower case; the higher the better. Nothing typed means all of them alike.
pub(super) fn score(typed: &str, fields: &[String]) -> Option<i64> {
    let fields: Vec<String> = fields.iter().map(|field| field.to_lowercase()).collect();
    let best = |word: &str| {
        let found = (0..).zip(&fields).filter_map(|(i, field)| Some(found(word, field)? - i * LATER_FIELD));
        found.max()
    };
    typed.to_lowercase().split_whitespace().map(best).sum()
}

fn found(word: &str, field: &str) -> Option<i64> {
    if field == word {
        return Some(EXACT);
    }
    let mut within = field.match_indices(word).map(|(at, _)| at).peekable();
    if let Some(first) = within.peek().copied() {
        let begins_a_part = |at| field[..at].chars().next_back().is_some_and(|c| !c.is_alphanumeric());
        return Some(match first {
            0 => START,
            _ if within.any(begins_a_part) => START_OF_A_PART,
            _ => WITHIN,
        });
    }
    // From each place where it can begin: the first may leave out more than a later one.
    let first = word.chars().next()?;
    let begins = field.char_indices().filter(|(_, c)| *c == first).map(|(at, _)| at);
    begins.filter_map(|at| skipped(word, &field[at..])).min().map(|skipped| WITHIN / 2 - skipped * SKIPPED)
}

/// How many letters of `text` are left out to read `word` in it.
fn skipped(word: &str, text: &str) -> Option<i64> {
    let (mut letters, mut skipped) = (text.chars(), 0);
    for wanted in word.chars() {
        loop {
            match letters.next()? {
                letter if letter == wanted => break,
                _ => skipped += 1,
            }
        }
    }
    Some(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_better_match_goes_first_and_every_word_must_match() {
        let ladder = [
            "prod eu.example.test acme",
            "acme prod.example.test prod",
            "production eu.example.test acme",
            "eu-prod eu.example.test acme",
            "preprod eu.example.test acme",
            "p-r-o-d eu.example.test acme",
            "p-rr-oo-dd eu.example.test acme",
        ];
        let scores: Vec<Option<i64>> = ladder.iter().map(|line| score("PROD", &fields(line))).collect();
        assert!(scores.is_sorted_by(|a, b| a > b) && scores[6].is_some(), "{scores:?}");
        let prod = fields(ladder[0]);
        for typed in ["prod acme", "acme prod", "prd", "eu prod", "", "  ", "exmpl"] {
            assert!(score(typed, &prod).is_some(), "{typed}");
        }
        for typed in ["prod globex", "dorp", "prodd", "prodeu", "z"] {
            assert_eq!(score(typed, &prod), None, "{typed}");
        }
        assert!(score("漢", &fields("漢字")).is_some() && score("É", &fields("é")).is_some());
    }
}
