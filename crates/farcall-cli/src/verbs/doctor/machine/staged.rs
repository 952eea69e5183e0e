//! Files of git as they would be committed, where that is not what lies in the folder.

use std::{
    collections::HashSet,
    io,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long all of them may take.
const SEARCH: Duration = Duration::from_secs(10);

/// What came of a search.
#[derive(Debug, Default)]
pub(super) struct Searched {
    /// A file, and the name of what it holds.
    pub(super) found: Option<(String, &'static str)>,
    /// How many were not read.
    pub(super) unread: usize,
}

/// Looks into the staged contents of `files`, names below the top of the repository at `root`, the first `most` bytes of
/// each; `held` says what they hold.
pub(super) async fn search(
    root: &Path,
    files: &[&String],
    most: u64,
    held: impl Fn(&[u8]) -> Option<&'static str>,
) -> Searched {
    let mut searched = Searched::default();
    let began = Instant::now();
    let mut batch = None;
    for (done, file) in files.iter().enumerate() {
        if batch.is_none() {
            batch = Batch::start(root).ok();
        }
        let left = SEARCH.saturating_sub(began.elapsed());
        let Some(git) = batch.as_mut().filter(|_| !left.is_zero()) else {
            searched.unread += files.len() - done;
            break;
        };
        match timeout(left, git.staged(file, most)).await {
            Ok(Ok(Some(text))) => {
                if let Some(name) = held(&text) {
                    searched.found = Some(((*file).clone(), name));
                    break;
                }
            }
            Ok(Ok(None)) => searched.unread += 1,
            // What it says next would be half of an answer.
            Ok(Err(_)) | Err(_) => {
                searched.unread += 1;
                batch = None;
            }
        }
    }
    searched
}

/// `git cat-file --batch`, which is asked for one object after the other.
struct Batch {
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// It ends with this.
    _child: tokio::process::Child,
}

impl Batch {
    fn start(root: &Path) -> io::Result<Self> {
        let mut child = Command::new("git")
            .args(["cat-file", "--batch"])
            .current_dir(root)
            .env("LC_ALL", "C")
            .env("GIT_NO_LAZY_FETCH", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("git has no pipe");
        Ok(Self {
            asked: child.stdin.take().ok_or_else(missing)?,
            answers: BufReader::new(child.stdout.take().ok_or_else(missing)?),
            _child: child,
        })
    }

    /// The beginning of what is staged under a name; `None` where nothing is.
    async fn staged(&mut self, file: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
        // Its questions are lines.
        if file.contains('\n') {
            return Ok(None);
        }
        self.asked
            .write_all(format!(":0:{file}\n").as_bytes())
            .await?;
        self.asked.flush().await?;
        let mut head = String::new();
        if self.answers.read_line(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut parts = head.trim_end().rsplitn(3, ' ');
        let (Some(size), Some("blob")) = (parts.next(), parts.next()) else {
            return Ok(None);
        };
        let size: u64 = size.parse().map_err(io::Error::other)?;
        let mut text = Vec::new();
        let mut answer = (&mut self.answers).take(size + 1);
        (&mut answer)
            .take(size.min(most))
            .read_to_end(&mut text)
            .await?;
        tokio::io::copy(&mut answer, &mut tokio::io::sink()).await?;
        Ok(Some(text))
    }
}

/// The names that `git diff-files` prints.
pub(super) fn names(printed: &str) -> HashSet<String> {
    let names = printed.split('\0').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}
