//! What must hold whenever nobody works on a data folder.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

use serde_json::Value;

use super::{
    brew::{FAILURE, FILES, SIP, STAGES, content},
    fault::{Fault, Kind},
    ledger::{Ledger, Placed},
    log::{ClaimOf, Log, Run},
    records::{FileRecord, Record},
};
use crate::sha256;

/// What was seen of jobs that are over: it must never be anything else.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    over: HashMap<String, Record>,
    /// Files that were read and found whole; they cannot change without their record.
    whole: BTreeSet<String>,
}

/// One look at a data folder, with all that is known from elsewhere.
pub(crate) struct Look<'a> {
    pub(crate) records: &'a [Record],
    pub(crate) published: &'a BTreeMap<String, Vec<FileRecord>>,
    pub(crate) log: &'a Log,
    pub(crate) ledger: &'a Ledger,
    /// Where the files are.
    pub(crate) artifacts: &'a Path,
    /// The lives that were asked to stop, and handed jobs back.
    pub(crate) stopped: &'a BTreeSet<u32>,
    /// The processes that may still be named as workers.
    pub(crate) processes: &'a [u32],
}

impl Look<'_> {
    /// All that is wrong.
    pub(crate) fn faults(&self, sightings: &mut Sightings) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.acknowledged(&mut faults);
        for record in self.records {
            if let Err(fault) = self.record(record, sightings) {
                faults.push(fault);
            }
        }
        let told = self.ledger.contradictions.iter();
        faults.extend(told.map(|told| Fault::new(Kind::Double, told)));
        faults.extend(self.ledger.refusals.iter().cloned());
        faults
    }

    /// What was acknowledged is there, once.
    fn acknowledged(&self, faults: &mut Vec<Fault>) {
        let mut by_number = BTreeMap::<u32, Vec<&str>>::new();
        for record in self.records {
            by_number.entry(record.number).or_default().push(&record.id);
        }
        for (number, ids) in &by_number {
            if ids.len() > 1 {
                let what = format!("order {number} became the jobs {ids:?}");
                faults.push(Fault::new(Kind::Double, what));
            }
        }
        for (placed, id) in self.ledger.acknowledged() {
            let number = placed.order.number;
            let is_there = by_number.get(&number).is_some_and(|ids| ids.contains(&id));
            if !is_there && !self.may_be_gone(placed, id) {
                let what = format!("the job `{id}` of order {number} was acknowledged and is gone");
                faults.push(Fault::new(Kind::Lost, what));
            }
        }
    }

    /// Whether a job can have been over, and deleted as what is not kept.
    fn may_be_gone(&self, placed: &Placed, id: &str) -> bool {
        let runs = self.log.runs.get(id).into_iter().flatten();
        let has_come_to_its_end = runs.into_iter().any(|run| run.stage == STAGES);
        // Of which the first counts nothing.
        let may_be_lost = self.ledger.life - placed.life >= 2;
        placed.job == SIP && (has_come_to_its_end || may_be_lost)
    }

    fn record(&self, record: &Record, sightings: &mut Sightings) -> Result<(), Fault> {
        let Some(placed) = self.ledger.placed.get(&record.number) else {
            let what = format!("nobody asked for {record:?}");
            return Err(Fault::new(Kind::Double, what));
        };
        let runs = self.log.runs.get(&record.id).map_or(&[][..], Vec::as_slice);
        let claims = claims(runs);
        self.claims(record, &claims)?;
        if record.restarts == 0 {
            stages(record, &claims)?;
            self.answer(record, placed)?;
        }
        if !record.is_over() {
            return self.worker(record);
        }
        let first = sightings.over.entry(record.id.clone());
        let first = first.or_insert_with(|| record.clone());
        if first != record {
            let what = format!("a job that was over has changed: {first:?}, and now {record:?}");
            return Err(Fault::new(Kind::Double, what));
        }
        if record.state == "succeeded" {
            self.success(record, placed, runs, sightings)
        } else {
            self.failure(record, placed)
        }
    }

    /// Each claim has one worker, and a higher epoch than the one before.
    fn claims(&self, record: &Record, claims: &[(&ClaimOf, Vec<&Run>)]) -> Result<(), Fault> {
        let double = |what: String| Err(Fault::new(Kind::Double, what));
        let id = &record.id;
        let different: BTreeSet<_> = claims.iter().map(|(claim, _)| *claim).collect();
        if different.len() < claims.len() {
            return double(format!(
                "two workers ran `{id}` at the same time: {claims:?}"
            ));
        }
        let mut epoch = 0;
        for (at, (claim, runs)) in claims.iter().enumerate() {
            let epochs: BTreeSet<_> = runs.iter().filter_map(|run| run.epoch).collect();
            if epochs.len() > 1 {
                return double(format!("one claim of `{id}` had the epochs {epochs:?}"));
            }
            if let Some(own) = epochs.first() {
                if *own <= epoch || *own > record.epoch {
                    return double(format!(
                        "the epochs of `{id}` do not rise to {}: {epoch}, then {own}",
                        record.epoch
                    ));
                }
                epoch = *own;
            }
            let Some((before, _)) = at.checked_sub(1).map(|before| &claims[before]) else {
                continue;
            };
            // A claim that was handed back has not counted.
            let was_handed_back = self.stopped.contains(&before.life);
            let counts = claim.attempt > before.attempt || was_handed_back;
            if !counts || claim.losses < before.losses {
                return double(format!(
                    "`{id}` was claimed as {before:?}, then as {claim:?}"
                ));
            }
        }
        Ok(())
    }

    /// Every attempt was told the same, which is no later answer than one that was confirmed.
    fn answer(&self, record: &Record, placed: &Placed) -> Result<(), Fault> {
        let Some(told) = self.log.told.get(&record.id) else {
            return Ok(());
        };
        if told.len() > 1 {
            let what = format!("`{}` asked again, and was told {told:?}", record.id);
            return Err(Fault::new(Kind::Double, what));
        }
        let is_later = |confirmed| told.iter().any(|told| *told > confirmed);
        if placed.answered.is_some_and(is_later) {
            let what = format!("{placed:?} was told {told:?} all the same");
            return Err(Fault::new(Kind::Lost, what));
        }
        Ok(())
    }

    /// What runs has a worker that can be alive.
    fn worker(&self, record: &Record) -> Result<(), Fault> {
        if record.state != "running" {
            return Ok(());
        }
        // machine/boot/namespace/process/start
        let identity = record.worker.as_deref().unwrap_or_default();
        let process = identity
            .rsplit('/')
            .nth(1)
            .and_then(|word| word.parse().ok());
        if process.is_some_and(|process| self.processes.contains(&process)) {
            return Ok(());
        }
        let what = format!("no such worker can be alive: {record:?}");
        Err(Fault::new(Kind::Stuck, what))
    }

    /// The result is that of the last claim, made of the last run of each stage, with the files
    /// that these runs wrote.
    fn success(
        &self,
        record: &Record,
        placed: &Placed,
        runs: &[Run],
        sightings: &mut Sightings,
    ) -> Result<(), Fault> {
        let Record { id, .. } = record;
        let result: Value = serde_json::from_str(record.result.as_deref().unwrap_or("null"))
            .map_err(|error| Fault::new(Kind::Torn, format!("the result of `{id}`: {error}")))?;
        let told: Vec<_> = result["runs"].as_array().into_iter().flatten().collect();
        let last = |stage| runs.iter().rfind(|run| run.stage == stage);
        let expected: Option<Vec<_>> = (1..=STAGES).map(last).collect();
        let expected = expected.unwrap_or_default();
        if expected.is_empty() || told != expected.iter().map(|run| &run.name).collect::<Vec<_>>() {
            let what =
                format!("the result of `{id}` is of the runs {told:?}, but there were {runs:?}");
            return Err(Fault::new(Kind::Double, what));
        }
        let end = expected[STAGES as usize - 1];
        let is_last = end.epoch == Some(record.epoch) && end.claim.attempt == record.attempt;
        if !is_last || record.stage != record.total_stages || placed.order.failures > 1 {
            let what = format!("{record:?} cannot have come from {end:?}");
            return Err(Fault::new(Kind::Double, what));
        }
        let files = self.published.get(id).map_or(&[][..], Vec::as_slice);
        if files
            .iter()
            .map(|file| file.name.as_str())
            .ne(FILES.map(|(name, _)| name))
        {
            let what = format!("`{id}` has published {files:?}");
            return Err(Fault::new(Kind::Torn, what));
        }
        for (file, (_, stage)) in files.iter().zip(FILES) {
            let run = expected[stage as usize - 1];
            if sightings.whole.contains(&file.location) {
                continue;
            }
            let is_gone = || !self.artifacts.join(&file.location).exists();
            if placed.job == SIP && is_gone() {
                // It goes before its record does.
                continue;
            }
            self.file(file, &content(&run.name, placed.order.size), run)?;
            sightings.whole.insert(file.location.clone());
        }
        Ok(())
    }

    /// The file is there, whole, and what `run` wrote.
    fn file(&self, file: &FileRecord, expected: &[u8], run: &Run) -> Result<(), Fault> {
        let torn = |what: &str| Err(Fault::new(Kind::Torn, format!("{what}: {file:?}, {run:?}")));
        let Ok(bytes) = fs::read(self.artifacts.join(&file.location)) else {
            return torn("a published file is gone");
        };
        if i64::try_from(bytes.len()) != Ok(file.size) || sha256(&bytes) != file.sha256 {
            return torn("a published file is not what was recorded");
        }
        let path = format!("{}/{}-{}", file.job, file.epoch, file.name);
        if bytes != expected || run.epoch != Some(file.epoch) || file.location != path {
            return torn("a published file is of another run");
        }
        Ok(())
    }

    /// A job fails only for a reason that it was given.
    fn failure(&self, record: &Record, placed: &Placed) -> Result<(), Fault> {
        let code = record.error_code.as_deref().unwrap_or_default();
        let is_right = match code {
            "cancelled" => placed.is_cancelled,
            "user_error" => {
                let is_its_own = record.error_message.as_deref() == Some(FAILURE);
                is_its_own && placed.order.failures > 1
            }
            "worker_lost" => record.counted_losses > 1,
            _ => false,
        };
        let is_published = self.published.contains_key(&record.id);
        if !is_right || is_published || record.result.is_some() {
            let what = format!("{:?} cannot have become {record:?}", placed.order);
            return Err(Fault::new(Kind::Torn, what));
        }
        // An end that was promised comes, also where the worker does not.
        if placed.told_by_cancel.is_some() && code == "worker_lost" {
            let what = format!("a cancel was acknowledged, and it became {record:?}");
            return Err(Fault::new(Kind::Lost, what));
        }
        Ok(())
    }
}

/// The runs of one job, claim by claim, in the order in which they began.
fn claims(runs: &[Run]) -> Vec<(&ClaimOf, Vec<&Run>)> {
    let mut claims: Vec<(&ClaimOf, Vec<&Run>)> = Vec::new();
    for run in runs {
        match claims.last_mut() {
            Some((claim, runs)) if **claim == run.claim => runs.push(run),
            _ => claims.push((&run.claim, vec![run])),
        }
    }
    claims
}

/// Within a claim one stage follows the other; the next claim begins with the one that was cut
/// off, or with the next: what was finished does not run again.
fn stages(record: &Record, claims: &[(&ClaimOf, Vec<&Run>)]) -> Result<(), Fault> {
    let mut reached = 0;
    for (at, (_, runs)) in claims.iter().enumerate() {
        for (nth, run) in runs.iter().enumerate() {
            let is_cut_off = nth == 0 && at > 0 && run.stage == reached;
            if run.stage != reached + 1 && !is_cut_off {
                let what = format!("`{}` ran its stages in this order: {claims:?}", record.id);
                return Err(Fault::new(Kind::Torn, what));
            }
            reached = run.stage;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
