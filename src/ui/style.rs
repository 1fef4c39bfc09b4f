//! When to colour, and with what.

use anstyle::{AnsiColor, Style};

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// What decides about colour besides the flag.
#[derive(Debug, Clone, Copy, Default)]
pub struct ColorSigns {
    pub terminal: bool,
    pub no_color: bool,
    pub force: bool,
    pub dumb: bool,
}

impl ColorChoice {
    pub const ALL: [&'static str; 3] = ["auto", "always", "never"];

    /// The choice of that name; any other is `auto`.
    pub fn named(name: &str) -> ColorChoice {
        match name {
            "always" => ColorChoice::Always,
            "never" => ColorChoice::Never,
            _ => ColorChoice::Auto,
        }
    }

    pub fn colours(self, signs: ColorSigns) -> bool {
        match self {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if signs.no_color => false,
            ColorChoice::Auto if signs.force => true,
            ColorChoice::Auto => signs.terminal && !signs.dumb,
        }
    }
}

/// How much attention a cell asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Look here soon.
    Warn,
    /// Something is wrong.
    Bad,
    /// Take care here.
    Guarded,
    /// Not important now.
    Faint,
    /// The one that counts.
    Strong,
}

impl Tone {
    pub fn style(self) -> Style {
        match self {
            Tone::Plain => Style::new(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warn => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Guarded => AnsiColor::Magenta.on_default().bold(),
            Tone::Faint => Style::new().dimmed(),
            Tone::Strong => Style::new().bold(),
        }
    }

    /// `text` in this tone if `colours`.
    pub fn paint(self, text: &str, colours: bool) -> String {
        if !colours || self == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        let style = self.style();
        format!("{style}{text}{style:#}")
    }
}
