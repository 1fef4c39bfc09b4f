//! The code of a login on another device, made to be read from across a desk.

use unicode_width::UnicodeWidthStr;

use super::style::Tone;

/// What a terminal shows: the page, and the code in a box.
pub fn boxed(code: &str, page: &str, complete: Option<&str>, colours: bool) -> String {
    let strong = |text: &str| Tone::Strong.paint(text, colours);
    let edge = "─".repeat(code.width() + 6);
    let direct = complete.map(|url| format!("\n\nThis page has the code already:\n\n    {url}"));
    format!(
        "\nOpen this page on any device\n\n    {}\n\nand enter the code\n\n    \
         ┌{edge}┐\n    │   {}   │\n    └{edge}┘{}\n",
        strong(page),
        strong(code),
        direct.unwrap_or_default(),
    )
}

/// What a log or a pipe gets.
pub fn plain(code: &str, page: &str, complete: Option<&str>) -> String {
    let direct = complete.map(|url| format!("\nOr open: {url}")).unwrap_or_default();
    format!("To log in, open this page on any device: {page}\nand enter the code: {code}{direct}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_stands_in_a_box_and_can_be_copied() {
        insta::assert_snapshot!(boxed("BCDF-GHJK", "https://h.test/oauth/device", None, false), @r"
        Open this page on any device

            https://h.test/oauth/device

        and enter the code

            ┌───────────────┐
            │   BCDF-GHJK   │
            └───────────────┘
        ");
    }
}
