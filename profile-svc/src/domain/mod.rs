//! What requests mean, checked before anything is done. No I/O.

mod fact;
mod profile;

pub(crate) use fact::{Fact, FactKey, MAX_FACTS, fact_keys, facts};
pub(crate) use profile::{
    Etag, Filter, Interaction, NewProfile, Profile, ProfileChange, optional_user_id,
    required_user_id,
};
