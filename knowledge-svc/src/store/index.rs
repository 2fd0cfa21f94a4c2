//! Which vectors searches compare, and those of the model that is to follow.

use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::schema::vector_index;
use crate::error::KnowledgeError;

/// Of a hundred passages so many may be without a vector when their model takes over: those refused for good.
const MAX_REFUSED_PERCENT: i64 = 1;

/// One of the two places for vectors in a passage's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    A,
    B,
}

/// The vectors that searches compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) model: String,
    pub(crate) slot: Slot,
    /// The model whose vectors are being made in the other slot.
    pub(crate) next_model: Option<String>,
}

impl Slot {
    /// The column of the vectors.
    pub(super) fn vector(self) -> &'static str {
        match self {
            Self::A => "embedding",
            Self::B => "embedding_b",
        }
    }

    /// The column of the vectors of parts.
    pub(super) fn parts(self) -> &'static str {
        match self {
            Self::A => "part_embeddings",
            Self::B => "part_embeddings_b",
        }
    }

    /// The column that says whose they are.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::A => "embedding_model",
            Self::B => "embedding_model_b",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

impl Index {
    /// Where vectors of `model` belong.
    pub(crate) fn slot_of(&self, model: &str) -> Slot {
        if self.model == model {
            self.slot
        } else {
            self.slot.other()
        }
    }
}

/// The index, if any vector was ever made.
pub(crate) async fn read(
    connection: &mut AsyncPgConnection,
) -> Result<Option<Index>, KnowledgeError> {
    let row: Option<(String, String, Option<String>)> = vector_index::table
        .select((
            vector_index::active_model,
            vector_index::active_slot,
            vector_index::next_model,
        ))
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(|(model, slot, next_model)| Index {
        model,
        slot: if slot == "b" { Slot::B } else { Slot::A },
        next_model,
    }))
}

/// Makes `model` the one whose vectors are made: that of the index, or the one to follow it.
pub(crate) async fn aim(
    connection: &mut AsyncPgConnection,
    model: &str,
) -> Result<Index, KnowledgeError> {
    connection
        .transaction(async |connection| {
            diesel::insert_into(vector_index::table)
                .values((
                    vector_index::active_model.eq(model),
                    vector_index::active_slot.eq(Slot::A.as_str()),
                ))
                .on_conflict_do_nothing()
                .execute(connection)
                .await?;
            diesel::sql_query(
                "UPDATE insta_knowledge.vector_index SET next_model = nullif($1, active_model)
                 WHERE next_model IS DISTINCT FROM nullif($1, active_model)",
            )
            .bind::<Text, _>(model)
            .execute(connection)
            .await?;
            let column = "vector_index";
            read(connection)
                .await?
                .ok_or(KnowledgeError::Inconsistent { column })
        })
        .await
}

/// How far the vectors of the next model are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Its vectors are the index now.
    Switched,
    /// So many passages wait for theirs.
    Waiting,
    /// So many passages have none, and no job either.
    Forgotten,
    /// So many were refused that searches would lose by it.
    Refused(i64),
}

/// Makes the vectors of `model` the index, if they are all there.
pub(crate) async fn switch(
    connection: &mut AsyncPgConnection,
    index: &Index,
    model: &str,
) -> Result<Progress, KnowledgeError> {
    #[derive(QueryableByName)]
    struct Counts {
        #[diesel(sql_type = BigInt)]
        passages: i64,
        #[diesel(sql_type = BigInt)]
        missing: i64,
        #[diesel(sql_type = BigInt)]
        waiting: i64,
        #[diesel(sql_type = BigInt)]
        refused: i64,
    }
    let column = index.slot.other().model();
    let counts: Counts = diesel::sql_query(format!(
        "SELECT count(*) AS passages, count(*) FILTER (WHERE p.{column} IS DISTINCT FROM $1) AS missing,
           count(*) FILTER (WHERE j.passage_id IS NOT NULL AND j.failure IS NULL) AS waiting,
           count(*) FILTER (WHERE j.failure IS NOT NULL AND p.{column} IS DISTINCT FROM $1) AS refused
         FROM insta_knowledge.passages p LEFT JOIN insta_knowledge.embedding_jobs j USING (passage_id)"
    ))
    .bind::<Text, _>(model)
    .get_result(connection)
    .await?;
    if counts.waiting > 0 {
        return Ok(Progress::Waiting);
    }
    if counts.missing > counts.refused {
        return Ok(Progress::Forgotten);
    }
    if counts.refused * 100 > counts.passages * MAX_REFUSED_PERCENT {
        return Ok(Progress::Refused(counts.refused));
    }
    let switched = diesel::update(
        vector_index::table
            .filter(vector_index::next_model.eq(model))
            .filter(vector_index::active_slot.eq(index.slot.as_str())),
    )
    .set((
        vector_index::active_model.eq(model),
        vector_index::active_slot.eq(index.slot.other().as_str()),
        vector_index::next_model.eq(None::<String>),
    ))
    .execute(connection)
    .await?;
    Ok(if switched > 0 {
        Progress::Switched
    } else {
        Progress::Waiting
    })
}
