//! The database as the services find it, on a real server.

use db::{Embedding, Pool, Vector, migrations, roles};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Double},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use test_kit::TestDatabase;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[tokio::test]
async fn no_service_can_see_into_the_schema_of_another() {
    let database = TestDatabase::new().await;
    let mut migrator = database.url_of_migrator().connect().await.unwrap();
    for service in roles::SERVICES {
        let sql = format!("CREATE TABLE {service}.canary (id int)");
        migrator.batch_execute(&sql).await.unwrap();
    }
    for service in roles::SERVICES {
        let mut connection = database.url(service).connect().await.unwrap();
        for schema in roles::SERVICES {
            let sql = format!("INSERT INTO {schema}.canary VALUES (1)");
            let written = connection.batch_execute(&sql).await;
            assert_eq!(
                written.is_ok(),
                schema == service,
                "{service} writing to {schema}"
            );
        }
        for forbidden in [
            format!("DROP TABLE {service}.canary"),
            format!("CREATE TABLE {service}.other (id int)"),
            "CREATE TABLE public.other (id int)".into(),
            "CREATE SCHEMA other".into(),
            format!("SET ROLE {}", roles::MIGRATOR),
        ] {
            assert!(
                connection.batch_execute(&forbidden).await.is_err(),
                "{service}: {forbidden}"
            );
        }
    }
}

#[tokio::test]
async fn migrations_go_down_and_up_again() {
    let database = TestDatabase::new().await;
    let url = database.url_of_migrator();
    let down = migrations::revert_all(&url).await.unwrap();
    let up = migrations::run(&url).await.unwrap();
    assert_eq!(down.len(), up.len());
    assert!(
        migrations::run(&url).await.unwrap().is_empty(),
        "nothing is left to do"
    );
}

#[tokio::test]
async fn two_migrators_at_once_do_the_work_once() {
    let database = TestDatabase::new().await;
    let url = database.url_of_migrator();
    migrations::revert_all(&url).await.unwrap();
    let (one, other) = tokio::join!(migrations::run(&url), migrations::run(&url));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(
        one.is_empty() != other.is_empty(),
        "one of them finds everything done"
    );
}

#[tokio::test]
async fn bootstrap_can_be_run_again() {
    let database = TestDatabase::new().await;
    let admin = database.admin_url();
    let passwords = roles::Passwords {
        migrator: "test".into(),
        services: ["test".into(), "test".into(), "test".into(), "test".into()],
    };
    roles::bootstrap(&admin, &admin.database(), &passwords)
        .await
        .unwrap();
    assert!(database.url("insta_auth").connect().await.is_ok());
}

#[tokio::test]
async fn vectors_travel_there_and_back() {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Vector)]
        vector: Embedding,
        #[diesel(sql_type = Double)]
        distance: f64,
    }
    let database = TestDatabase::new().await;
    let mut connection = database.url("insta_knowledge").connect().await.unwrap();
    let vector = Embedding::from(vec![0.0, 1.5, -2.0]);
    let row: Row = diesel::sql_query("SELECT $1 AS vector, $1 <=> $2 AS distance")
        .bind::<Vector, _>(&vector)
        .bind::<Vector, _>(Embedding::from(vec![0.0, -1.5, 2.0]))
        .get_result(&mut connection)
        .await
        .unwrap();
    assert_eq!(row.vector, vector);
    assert!((row.distance - 2.0).abs() < 1e-6);
}

#[tokio::test]
async fn a_dry_pool_is_an_error_and_not_a_hang() {
    let database = TestDatabase::new().await;
    let mut config = database.config("insta_auth");
    config.database_max_connections = 1;
    let pool = Pool::new(&config);
    let mut held = pool.get().await.unwrap();
    assert!(pool.get().await.is_err());
    let count: Count = diesel::sql_query("SELECT 1::bigint AS count")
        .get_result(&mut held)
        .await
        .unwrap();
    assert_eq!(count.count, 1);
    drop(held);
    assert!(pool.get().await.is_ok());
}
