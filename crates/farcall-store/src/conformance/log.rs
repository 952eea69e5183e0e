//! What a job writes down on its way.

use super::fixture::{START, record, report, running, success, unique_id};
use crate::{Fence, JobStore, LogLine, LogPage, Reach, Report};

async fn write(store: &dyn JobStore, fence: Fence, log: impl IntoIterator<Item = String>) {
    let log = log.into_iter().collect();
    store
        .report(fence, Report { log, ..report(1) })
        .await
        .unwrap();
}

async fn page(store: &dyn JobStore, fence: Fence, from: u64, lines: u32) -> LogPage {
    let page = store.log(fence.id, Reach::All, from, lines).await.unwrap();
    page.expect("the job is there")
}

pub async fn lines_are_read_page_by_page_to_their_end(store: &dyn JobStore) {
    let fence = running(store).await;
    assert_eq!(page(store, fence, 0, 9).await.next, 1);
    write(store, fence, ["a".to_owned(), "b".to_owned()]).await;
    write(store, fence, ["c".to_owned()]).await;
    let first = page(store, fence, 0, 2).await;
    let line = |number, text: &str| LogLine {
        number,
        at: START,
        text: text.to_owned(),
    };
    assert_eq!(first.lines, [line(1, "a"), line(2, "b")]);
    assert_eq!((first.next, first.is_over), (3, false));
    let rest = page(store, fence, first.next, 2).await;
    assert_eq!(rest.lines, [line(3, "c")]);
    assert_eq!((rest.next, rest.is_over), (4, false), "there may be more");
    store.succeed(fence, success()).await.unwrap();
    assert!(!page(store, fence, 1, 2).await.is_over);
    assert!(page(store, fence, 3, 2).await.is_over);
    assert!(page(store, fence, 4, 2).await.is_over);
    assert_eq!(
        store.log(unique_id(), Reach::All, 1, 1).await.unwrap(),
        None
    );
}

pub async fn a_late_report_still_brings_its_lines(store: &dyn JobStore) {
    let fence = running(store).await;
    store.report(fence, report(2)).await.unwrap();
    write(store, fence, ["late".to_owned()]).await;
    assert_eq!(record(store, fence.id).await.stage, 2);
    assert_eq!(page(store, fence, 0, 9).await.lines.len(), 1);
}

pub async fn a_log_loses_its_oldest_lines_first(store: &dyn JobStore) {
    let fence = running(store).await;
    // Cut at a character that does not fit whole.
    write(store, fence, ["é".repeat(2_000)]).await;
    assert_eq!(page(store, fence, 1, 1).await.lines[0].text.len(), 2_048);
    write(store, fence, ["x".repeat(2_047) + "é"]).await;
    assert_eq!(page(store, fence, 2, 1).await.lines[0].text.len(), 2_047);
    // A full MiB is kept.
    write(store, fence, (0..512).map(|_| "y".repeat(2_048))).await;
    let kept = page(store, fence, 0, 1_000).await;
    assert_eq!((kept.lines[0].number, kept.lines.len()), (3, 512));
    // And ten thousand lines.
    write(store, fence, (0..10_001).map(|_| String::new())).await;
    let kept = page(store, fence, 0, 20_000).await;
    assert_eq!((kept.lines[0].number, kept.lines.len()), (516, 10_000));
}
