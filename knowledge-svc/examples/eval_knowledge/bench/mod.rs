//! What searches and imports cost.

pub(crate) mod import;
pub(crate) mod search;

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Subject {
    Search,
    Import,
}
