//! What a person or a program reads: tables, TSV, JSON, YAML, colours, questions.
//!
//! Knows no command and no layer below but the domain's values.

pub mod device_code;
pub mod error_report;
mod escape;
pub mod jq;
mod matching;
pub mod output;
pub mod prompt;
mod report;
pub mod rows;
pub mod segment;
pub mod spinner;
pub mod stderr_line;
pub mod style;
pub mod table;
mod tsv;
pub mod view;
pub mod yaml;
