//! A platform with its token and its guard: one or many, page by page.

pub mod bearer;
pub mod check;
pub mod everywhere;
pub mod fan_out;
pub mod guard;
pub mod leave;
pub mod membership;
pub mod owner;
pub mod stream;
pub mod token_cache;
pub mod tokens;
