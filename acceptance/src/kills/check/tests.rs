use tempfile::TempDir;

use super::*;
use crate::kills::brew::{HOLD, Order};

/// A job that ran its four stages in life 1, was killed in the third, and ended in life 2.
struct Case {
    folder: TempDir,
    records: Vec<Record>,
    published: BTreeMap<String, Vec<FileRecord>>,
    log: Log,
    ledger: Ledger,
    sightings: Sightings,
}

const SIZE: u32 = 300;

impl Case {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut log = Log::new(folder.path().join("log"));
        let lines = "\
            began 1.a.0 j 1 1 first 11 1 0 7\n\
            began 1.a.1 j 2 1 first 11 1 0 7\n\
            wrote 1.a.1 j 1\n\
            began 1.a.2 j 3 1 first 11 1 0 7\n\
            began 2.a.0 j 3 2 first 12 2 1 7\n\
            began 2.a.1 j 4 2 first 12 2 1 7\n\
            wrote 2.a.1 j 2\n";
        fs::write(folder.path().join("log"), lines).unwrap();
        log.catch_up();

        let mut ledger = Ledger::default();
        let order = Order {
            number: 1,
            size: SIZE,
            failures: 0,
            waits_in: 0,
            stalls_in: 0,
            stalls_late: false,
            pauses_at: 0,
            asks: false,
        };
        ledger.place(order, HOLD);
        ledger.acknowledge(1, "j");

        fs::create_dir(folder.path().join("j")).unwrap();
        let file = |name: &str, epoch: i64, run: &str| {
            let (bytes, location) = (content(run, SIZE), format!("j/{epoch}-{name}"));
            fs::write(folder.path().join(&location), &bytes).unwrap();
            FileRecord {
                job: "j".to_owned(),
                name: name.to_owned(),
                epoch,
                size: SIZE.into(),
                sha256: sha256(&bytes),
                location,
            }
        };
        let files = vec![file(FILES[0].0, 1, "1.a.1"), file(FILES[1].0, 2, "2.a.1")];
        let record = Record {
            id: "j".to_owned(),
            number: 1,
            state: "succeeded".to_owned(),
            stage: 4,
            total_stages: 4,
            epoch: 2,
            attempt: 2,
            losses: 1,
            counted_losses: 0,
            restarts: 0,
            error_code: None,
            error_message: None,
            finished_at: Some(5),
            result: Some(r#"{"runs":["1.a.0","1.a.1","2.a.0","2.a.1"]}"#.to_owned()),
            worker: None,
        };
        Self {
            records: vec![record],
            published: [("j".to_owned(), files)].into(),
            log,
            ledger,
            sightings: Sightings::default(),
            folder,
        }
    }

    fn found(&mut self) -> Vec<Kind> {
        let look = Look {
            records: &self.records,
            published: &self.published,
            log: &self.log,
            ledger: &self.ledger,
            artifacts: self.folder.path(),
            stopped: &BTreeSet::new(),
            processes: &[12],
        };
        let faults = look.faults(&mut self.sightings);
        faults.into_iter().map(|fault| fault.kind).collect()
    }

    fn run_again(&mut self, lines: &str) {
        let log = self.folder.path().join("log");
        let text = fs::read_to_string(&log).unwrap();
        fs::write(&log, text + lines).unwrap();
        self.log.catch_up();
    }
}

#[test]
fn what_is_right_is_not_found() {
    let mut case = Case::new();
    assert_eq!(case.found(), []);
    assert_eq!(case.found(), [], "and not the second time");
}

#[test]
fn a_job_that_is_gone_is_lost() {
    let mut case = Case::new();
    case.records.clear();
    assert_eq!(case.found(), [Kind::Lost]);
}

#[test]
fn what_is_not_kept_may_be_gone_once_it_can_have_been_over() {
    let mut case = Case::new();
    case.records.clear();
    case.ledger.placed.get_mut(&1).unwrap().job = SIP;
    assert_eq!(case.found(), []);
    case.log.runs.get_mut("j").unwrap().pop();
    assert_eq!(
        case.found(),
        [Kind::Lost],
        "it has not begun its last stage"
    );
    case.ledger.life = 2;
    assert_eq!(case.found(), [], "it may have lost two workers");
}

#[test]
fn an_answer_that_is_forgotten_or_asked_for_again_is_found() {
    let mut case = Case::new();
    case.run_again("told j 3\n");
    case.ledger.placed.get_mut(&1).unwrap().answered = Some(3);
    assert_eq!(case.found(), []);
    case.ledger.placed.get_mut(&1).unwrap().answered = Some(2);
    assert_eq!(case.found(), [Kind::Lost]);
    case.run_again("told j 4\n");
    assert_eq!(case.found(), [Kind::Double]);
}

#[test]
fn a_start_that_became_two_jobs_is_double() {
    let mut case = Case::new();
    let mut second = case.records[0].clone();
    second.id = "k".to_owned();
    second.state = "queued".to_owned();
    case.records.push(second);
    assert_eq!(case.found(), [Kind::Double]);
}

#[test]
fn what_was_over_and_changes_is_double() {
    let mut case = Case::new();
    assert_eq!(case.found(), []);
    case.records[0].finished_at = Some(6);
    assert_eq!(case.found(), [Kind::Double]);
}

#[test]
fn a_result_of_an_earlier_run_is_double() {
    let mut case = Case::new();
    case.records[0].result = Some(r#"{"runs":["1.a.0","1.a.1","1.a.2","2.a.1"]}"#.to_owned());
    assert_eq!(case.found(), [Kind::Double]);
}

#[test]
fn a_worker_that_comes_back_is_double() {
    let mut case = Case::new();
    case.run_again("began 1.a.3 j 4 1 first 11 1 0 7\n");
    assert_eq!(case.found(), [Kind::Double]);
}

#[test]
fn an_epoch_of_two_claims_is_double() {
    let mut case = Case::new();
    case.run_again("wrote 2.a.0 j 1\n");
    assert_eq!(case.found(), [Kind::Double]);
}

#[test]
fn a_finished_stage_that_runs_again_is_torn() {
    let mut case = Case::new();
    case.records[0].state = "queued".to_owned();
    case.run_again("began 3.a.0 j 2 3 first 13 3 2 7\n");
    assert_eq!(case.found(), [Kind::Torn]);
}

#[test]
fn a_file_that_is_gone_or_another_is_torn() {
    let mut case = Case::new();
    let file = case.folder.path().join("j/1-beans.bin");
    fs::write(&file, content("1.a.9", SIZE)).unwrap();
    assert_eq!(case.found(), [Kind::Torn]);
    let other = &mut case.published.get_mut("j").unwrap()[0];
    other.sha256 = sha256(&content("1.a.9", SIZE));
    assert_eq!(case.found(), [Kind::Torn], "whole, but of another run");
    fs::remove_file(file).unwrap();
    assert_eq!(case.found(), [Kind::Torn]);
}

#[test]
fn a_failure_without_a_reason_is_torn() {
    let mut case = Case::new();
    case.published.clear();
    let record = &mut case.records[0];
    record.state = "failed".to_owned();
    record.result = None;
    for code in ["cancelled", "user_error", "worker_lost", "internal"] {
        case.records[0].error_code = Some(code.to_owned());
        case.sightings = Sightings::default();
        assert_eq!(case.found(), [Kind::Torn], "{code}");
    }
    case.ledger.placed.get_mut(&1).unwrap().is_cancelled = true;
    case.records[0].error_code = Some("cancelled".to_owned());
    case.sightings = Sightings::default();
    assert_eq!(case.found(), []);
}

#[test]
fn what_runs_without_a_living_worker_is_stuck() {
    let mut case = Case::new();
    let record = &mut case.records[0];
    record.state = "running".to_owned();
    record.worker = Some("machine/boot/pid:[1]/12/99".to_owned());
    assert_eq!(case.found(), []);
    case.records[0].worker = Some("machine/boot/pid:[1]/11/99".to_owned());
    assert_eq!(case.found(), [Kind::Stuck]);
    case.records[0].worker = None;
    assert_eq!(case.found(), [Kind::Stuck]);
}
