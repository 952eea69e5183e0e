//! The statements of our store in PostgreSQL, run by `pgbench`: what the database itself can do.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use farcall_store::LifeStatements;
use farcall_testpg::Cluster;
use sqlx::{Connection, PgConnection};

use super::{PRODUCERS, REPORTS, embedded::random, on_postgres::open};

/// Lives a second, by as many clients, each of which starts a job and runs one.
pub(crate) fn pgbench(cluster: &Cluster, database: &str, window: Duration) -> Result<f64> {
    let url = cluster.url(database);
    let runtime = tokio::runtime::Runtime::new()?;
    let worker = farcall_store::WorkerId::from_random(random());
    runtime.block_on(async {
        let store = open(&url).await?;
        super::embedded::register(&store, worker).await?;
        farcall_store::JobStore::close(&store).await;
        anyhow::Ok(())
    })?;
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("life.sql");
    fs::write(&script, life(&worker.to_string()))?;

    let output = Command::new(cluster.program("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={PRODUCERS}"))
        .arg(format!("--time={}", window.as_secs()))
        .arg("--file")
        .arg(&script)
        .arg(&url)
        .output()
        .context("pgbench does not start")?;
    ensure!(
        output.status.success(),
        "pgbench failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Not its own count: a client that found nothing to claim has not ended a job.
    let over: i64 = runtime.block_on(async {
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state = 'succeeded'")
            .fetch_one(&mut connection)
            .await
    })?;
    Ok(over as f64 / window.as_secs_f64())
}

/// What a client does again and again.
fn life(worker: &str) -> String {
    let statements = LifeStatements::current();
    let enqueue = filled(
        statements.enqueue,
        &[
            "lpad(to_hex(:n::bigint), 32, '0')",
            "'bench'",
            "'work'",
            "'1'",
            "0",
            "NULL::bigint",
            "2",
            "1",
            "'queued'",
            "3600000",
            "NULL::text",
            "repeat('0', 64)",
            "0",
            "'{\"seconds\": 0}'",
            "NULL",
        ],
    );
    let claim = filled(
        statements.claim,
        &[
            &format!("'{worker}'"),
            "'starting'",
            "ARRAY['work']",
            "ARRAY['1']",
            "ARRAY[NULL]",
            "60000",
            "1",
        ],
    );
    // Whoever claims nothing works for nobody.
    let mut steps = vec![format!(
        "\\set n random(1, 9000000000000000)\n{enqueue};\n\\set id 0\n\\set epoch 0\n{claim}\\aset\n"
    )];
    for report in 1..=REPORTS {
        let message = format!("'report {report}'");
        let progress = format!("{}", f64::from(report) / f64::from(REPORTS));
        let values = [":id", ":epoch", "1", &message, &progress];
        let report = filled(statements.report, &values);
        // One transaction and one round trip, as on a connection whose commits do not wait.
        steps.push(format!(
            "\\startpipeline\nSELECT set_config('synchronous_commit', 'off', true);\n{report};\n\\endpipeline\n"
        ));
    }
    let values = [":id", ":epoch", "'done'", "'{\"done\": true}'"];
    let succeed = filled(statements.succeed, &values);
    steps.push(format!("{succeed};\n"));
    steps.concat()
}

/// The statement with `values` in the place of its parameters, on one line.
fn filled(statement: &str, values: &[&str]) -> String {
    let mut filled = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    for (index, value) in values.iter().enumerate().rev() {
        filled = filled.replace(&format!("${}", index + 1), value);
    }
    filled
}
