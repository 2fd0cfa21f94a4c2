//! pgvector's `vector` for diesel. The value inside is `pgvector::Vector`; the SQL type and the wrapper that the
//! orphan rule asks for are ours, because the crate's own diesel support links libpq.

use std::io::Write;

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::SqlType,
};

/// The SQL type `vector`.
#[derive(Debug, Clone, Copy, Default, SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(name = "vector"))]
pub struct Vector;

/// A value of the SQL type [`Vector`].
#[derive(Debug, Clone, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Vector)]
pub struct Embedding(pub pgvector::Vector);

impl From<Vec<f32>> for Embedding {
    fn from(values: Vec<f32>) -> Self {
        Self(values.into())
    }
}

impl ToSql<Vector, Pg> for Embedding {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let values = self.0.as_slice();
        out.write_all(&u16::try_from(values.len())?.to_be_bytes())?;
        out.write_all(&0_u16.to_be_bytes())?;
        for value in values {
            out.write_all(&value.to_be_bytes())?;
        }
        Ok(IsNull::No)
    }
}

impl FromSql<Vector, Pg> for Embedding {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let bytes = value.as_bytes();
        let (head, values) = bytes
            .split_at_checked(4)
            .ok_or("a vector shorter than its header")?;
        let dimensions = usize::from(u16::from_be_bytes([head[0], head[1]]));
        if values.len() != dimensions * 4 {
            return Err("a vector with another length than it says".into());
        }
        let values = values
            .chunks_exact(4)
            .map(|b| f32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        Ok(values.collect::<Vec<_>>().into())
    }
}
