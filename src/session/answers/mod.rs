//! What a command shows.

pub mod api;
pub mod identity;
pub mod listing;
pub mod orders;
pub mod pages;
pub mod settings;
pub mod status;
pub mod tenants;
pub mod unlock;
