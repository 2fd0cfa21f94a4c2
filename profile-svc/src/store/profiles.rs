//! Profiles.

use chrono::{DateTime, Utc};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use service_kit::{Tier, UserId, page::Page};

use super::schema::profiles;
use crate::{
    domain::{Etag, Filter, Interaction, NewProfile, Profile, ProfileChange},
    error::ProfileError,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = profiles)]
struct Row {
    user_id: String,
    name: String,
    email: String,
    subscription_tier: String,
    last_interaction_summary: String,
    last_interaction_time: Option<DateTime<Utc>>,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    version: i64,
}

impl TryFrom<Row> for Profile {
    type Error = ProfileError;

    fn try_from(row: Row) -> Result<Self, ProfileError> {
        let user_id = row
            .user_id
            .parse()
            .map_err(|_| ProfileError::Inconsistent { column: "user_id" })?;
        let tier = row
            .subscription_tier
            .parse()
            .map_err(|_| ProfileError::Inconsistent {
                column: "subscription_tier",
            })?;
        Ok(Self {
            user_id,
            name: row.name,
            email: row.email,
            tier,
            last_interaction_summary: row.last_interaction_summary,
            last_interaction_time: row.last_interaction_time,
            create_time: row.create_time,
            update_time: row.update_time,
            etag: Etag(row.version),
        })
    }
}

/// Makes the profile if there is none; fills in a name and an e-mail that were empty.
pub(crate) async fn ensure(
    connection: &mut AsyncPgConnection,
    new: &NewProfile,
    now: DateTime<Utc>,
) -> Result<Profile, ProfileError> {
    let filled = |column: &str| {
        format!(
            "CASE WHEN profiles.{column} = '' THEN excluded.{column} ELSE profiles.{column} END"
        )
    };
    diesel::insert_into(profiles::table)
        .values((
            profiles::user_id.eq(new.user_id.as_str()),
            profiles::name.eq(&new.name),
            profiles::email.eq(&new.email),
            profiles::subscription_tier.eq(Tier::Free.as_str()),
            profiles::create_time.eq(now),
            profiles::update_time.eq(now),
        ))
        .on_conflict(profiles::user_id)
        .do_update()
        .set((
            profiles::name.eq(sql::<Text>(&filled("name"))),
            profiles::email.eq(sql::<Text>(&filled("email"))),
        ))
        .returning(Row::as_returning())
        .get_result(connection)
        .await?
        .try_into()
}

/// The profile of a user.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
) -> Result<Option<Profile>, ProfileError> {
    let row: Option<Row> = profiles::table
        .find(user_id.as_str())
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?;
    row.map(Profile::try_from).transpose()
}

/// Says whether a user has a profile, by failing when not.
pub(crate) async fn require(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
) -> Result<(), ProfileError> {
    find(connection, user_id)
        .await?
        .map(drop)
        .ok_or(ProfileError::NotFound)
}

/// A page of profiles by user id, with one more than the page holds when there is one.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
    filter: &Filter,
    page: &Page<String>,
) -> Result<Vec<Profile>, ProfileError> {
    let mut query = profiles::table
        .select(Row::as_select())
        .order(profiles::user_id)
        .limit(page.limit())
        .into_boxed();
    if let Some(after) = &page.after {
        query = query.filter(profiles::user_id.gt(after));
    }
    if let Some(tier) = filter.tier {
        query = query.filter(profiles::subscription_tier.eq(tier.as_str()));
    }
    if let Some(email) = &filter.email {
        let lower = sql::<Bool>("lower(email) = lower(")
            .bind::<Text, _>(email)
            .sql(")");
        query = query.filter(lower);
    }
    query
        .load(connection)
        .await?
        .into_iter()
        .map(Profile::try_from)
        .collect()
}

/// Changes a profile; `None` when it is not there or its version is not the one asked for.
pub(crate) async fn update(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
    change: &ProfileChange,
    now: DateTime<Utc>,
) -> Result<Option<Profile>, ProfileError> {
    #[derive(AsChangeset)]
    #[diesel(table_name = profiles)]
    struct Changeset<'a> {
        name: Option<&'a str>,
        email: Option<&'a str>,
        subscription_tier: Option<&'a str>,
    }
    let changeset = Changeset {
        name: change.name.as_deref(),
        email: change.email.as_deref(),
        subscription_tier: change.tier.map(Tier::as_str),
    };
    let expected = change.etag.map(|Etag(version)| version);
    // Without an etag any version fits.
    let version_fits = sql::<Bool>("coalesce(version = ")
        .bind::<Nullable<BigInt>, _>(expected)
        .sql(", true)");
    let row: Option<Row> = diesel::update(profiles::table.find(user_id.as_str()))
        .filter(version_fits)
        .set((
            changeset,
            profiles::update_time.eq(now),
            profiles::version.eq(profiles::version + 1),
        ))
        .returning(Row::as_returning())
        .get_result(connection)
        .await
        .optional()?;
    row.map(Profile::try_from).transpose()
}

/// Records what a call was about unless a later one is recorded; says whether it is the one now shown.
pub(crate) async fn record_interaction(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
    interaction: &Interaction,
    now: DateTime<Utc>,
) -> Result<bool, ProfileError> {
    let newer = profiles::last_interaction_time
        .is_null()
        .or(profiles::last_interaction_time.lt(interaction.end_time))
        .or(profiles::last_interaction_call_id.eq(interaction.call_id.0));
    let changed = diesel::update(profiles::table.find(user_id.as_str()).filter(newer))
        .set((
            profiles::last_interaction_summary.eq(&interaction.summary),
            profiles::last_interaction_call_id.eq(interaction.call_id.0),
            profiles::last_interaction_time.eq(interaction.end_time),
            profiles::update_time.eq(now),
            profiles::version.eq(profiles::version + 1),
        ))
        .execute(connection)
        .await?;
    Ok(changed == 1)
}
