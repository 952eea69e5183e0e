//! The keys of links are exchanged in the store, beside a server that runs.

use farcall_core::{
    clock::{Clock, SystemClock},
    id::JobId,
};
use farcall_jobs::{
    LinkKeys,
    links::{Opening, key_id},
};

use super::{
    TEXT,
    links::{ALICE, setup, target},
};
use crate::{
    harness::{Made, Operator, Server, Setup, pace, soon},
    offers::{printed, result},
};

const FIRST: [u8; 32] = [1; 32];
const SECOND: [u8; 32] = [2; 32];
const THIRD: [u8; 32] = [3; 32];

/// A server with a page of alice's.
struct Rotated {
    server: Server,
    operator: Operator,
    id: String,
}

impl Rotated {
    async fn new(setup: Setup) -> Self {
        let server = setup.start().await;
        let id = printed(&server.with_token(ALICE), TEXT).await;
        Self {
            operator: server.operator().await,
            server,
            id,
        }
    }

    /// The link to the page in a result of this moment.
    async fn link(&self) -> String {
        let result = result(&self.server.with_token(ALICE), "print", &self.id).await;
        target(&result.structured()["artifacts"][1]["url"])
    }

    /// A link to the page that somebody else has signed with `key`.
    fn signed_elsewhere(&self, key: [u8; 32]) -> String {
        let opening = Opening {
            job: JobId::parse(&self.id).unwrap(),
            name: Some("page.txt"),
            owner: "alice",
            until: SystemClock.now().0 / 1_000 + 600,
        };
        let query = LinkKeys::new(key, None).query(&opening);
        format!("/files/{}/page.txt?{query}", self.id)
    }

    async fn opens(&self, link: &str) -> bool {
        match self.server.get(link).await.status {
            200 => true,
            404 => false,
            status => panic!("{link} was answered with {status}"),
        }
    }

    /// Waits until a link opens, or opens nothing any more.
    async fn until_it(&self, opens: bool, link: &str) {
        soon(async {
            while self.opens(link).await != opens {
                pace().await;
            }
        })
        .await;
    }

    /// The first link that is signed with `key`.
    async fn until_it_signs(&self, key: [u8; 32]) -> String {
        let of_key = format!("kid={}&", key_id(&key));
        soon(async {
            loop {
                let link = self.link().await;
                if link.contains(&of_key) {
                    return link;
                }
                pace().await;
            }
        })
        .await
    }
}

#[tokio::test]
async fn a_link_lives_through_one_rotation_and_ends_with_the_second() {
    let rotated = Rotated::new(setup()).await;
    let before = rotated.link().await;
    rotated.operator.exchanges(FIRST, Made::LongAgo).await;
    let first = rotated.until_it_signs(FIRST).await;
    assert!(rotated.opens(&before).await && rotated.opens(&first).await);

    rotated.operator.exchanges(SECOND, Made::LongAgo).await;
    let second = rotated.until_it_signs(SECOND).await;
    assert!(!rotated.opens(&before).await);
    assert!(rotated.opens(&first).await && rotated.opens(&second).await);
    // Nor does a restart bring one back.
    let folder = rotated.server.cut().await;
    let server = setup().in_folder(folder).start().await;
    for (link, status) in [(before, 404), (first, 200), (second, 200)] {
        assert_eq!(server.get(&link).await.status, status);
    }
}

/// So no server signs with a key that another one has not read yet.
#[tokio::test]
async fn a_new_key_is_accepted_before_it_signs() {
    let rotated = Rotated::new(setup()).await;
    let before = rotated.link().await;
    let elsewhere = rotated.signed_elsewhere(FIRST);
    assert!(!rotated.opens(&elsewhere).await);
    rotated.operator.exchanges(FIRST, Made::Now).await;
    rotated.until_it(true, &elsewhere).await;
    let link = rotated.link().await;
    assert_eq!(kid(&link), kid(&before));
    assert!(rotated.opens(&before).await && rotated.opens(&link).await);
}

#[tokio::test]
async fn a_rotation_at_once_ends_every_link_and_the_new_key_signs() {
    let rotated = Rotated::new(setup()).await;
    let before = rotated.link().await;
    rotated.operator.exchanges(FIRST, Made::Now).await;
    let elsewhere = rotated.signed_elsewhere(FIRST);
    rotated.until_it(true, &elsewhere).await;

    rotated.operator.exchanges_at_once(SECOND).await;
    rotated.until_it(false, &before).await;
    assert!(!rotated.opens(&elsewhere).await);
    let link = rotated.link().await;
    assert_eq!(kid(&link), key_id(&SECOND));
    assert!(rotated.opens(&link).await);
}

/// Who sets a first secret has accepted it before, or accepts it afterwards, beside the keys of the store.
#[tokio::test]
async fn the_previous_secret_is_accepted_beside_whatever_keys_the_store_has() {
    const SECRET: &str = "a secret of 32 characters or more!";
    let by_secret = Rotated::new(setup().with("FARCALL_SECRET", SECRET)).await;
    let link = by_secret.link().await;
    let folder = by_secret.server.cut().await;
    let setup = setup().with("FARCALL_PREVIOUS_SECRET", SECRET);
    let server = setup.in_folder(folder).start().await;
    let rotated = Rotated {
        operator: server.operator().await,
        server,
        id: by_secret.id,
    };
    assert!(rotated.opens(&link).await);
    for key in [FIRST, SECOND, THIRD] {
        rotated.operator.exchanges(key, Made::LongAgo).await;
        rotated.until_it_signs(key).await;
        assert!(rotated.opens(&link).await);
    }
}

/// With a secret of the configuration, the keys in the store are nobody's.
#[tokio::test]
async fn with_a_secret_no_key_of_the_store_is_read() {
    const SECRET: &str = "a secret of 32 characters or more!";
    let rotated = Rotated::new(setup().with("FARCALL_SECRET", SECRET)).await;
    let before = rotated.link().await;
    rotated.operator.exchanges_at_once(FIRST).await;
    let beside = Rotated::new(setup()).await;
    beside.operator.exchanges_at_once(FIRST).await;
    // The one that reads them has had time enough to do so.
    beside.until_it_signs(FIRST).await;
    assert_eq!(kid(&rotated.link().await), kid(&before));
    assert!(!rotated.opens(&rotated.signed_elsewhere(FIRST)).await);
}

fn kid(link: &str) -> String {
    let (_, rest) = link.split_once("kid=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}
