//! What programs do with a database again and again, and how it is done here. There is no code in this module.
//!
//! Each of these is in a program in `examples/`, where it is whole.
//!
//! # A controller loop
//!
//! Read, act by compare and set, wait. What happened while it acted is seen at once, and a restart is nothing special: the state says what is left to do. The
//! `orchestrator` has a scheduler and a reaper that are such loops.
//!
//! ```
//! # use sapwood::{Database, Error, Table};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Table, Clone, Serialize, Deserialize)]
//! # struct Pod {
//! #     #[key]
//! #     name: String,
//! #     #[index]
//! #     node: Option<String>,
//! # }
//! fn schedule(db: &Database) -> Result<(), Error> {
//!     loop {
//!         let snapshot = db.snapshot();
//!         for pod in snapshot.list(Pod::BY_NODE.eq(None::<&str>)) {
//!             let seen = pod.modified();
//!             let placed = db.write(|tx| tx.update_if::<Pod>(&pod.name, seen, |pod| pod.node = Some("n1".into())));
//!             match placed {
//!                 // Somebody was quicker: it is seen in the next round.
//!                 Err(Error::WrongRevision { .. }) => {}
//!                 placed => drop(placed?),
//!             }
//!         }
//!         // At once if anything has changed since, own changes too; ends with the database.
//!         snapshot.watch(Pod::BY_NODE.eq(None::<&str>)).wait()?;
//!     }
//! }
//! # let db = Database::builder().table::<Pod>().in_memory()?;
//! # let other = db.clone();
//! # let scheduler = std::thread::spawn(move || schedule(&other));
//! # db.write(|tx| tx.insert(Pod { name: "web".into(), node: None }))?;
//! # let mut seen = db.snapshot();
//! # while !seen.contains(Pod::BY_NODE.eq("n1")) {
//! #     seen = db.wait_changed(&seen, Pod::BY_NODE.eq("n1"))?;
//! # }
//! # db.close()?;
//! # assert!(matches!(scheduler.join().expect("it ends"), Err(Error::Closed)));
//! # Ok::<(), Error>(())
//! ```
//!
//! # A blocking query
//!
//! A client says which state it has seen, by its revision, and is answered when its part is no longer so. The server keeps the snapshots that it has told of. A watch that is
//! taken from one of them fires at once if something has changed since, removals too, and for no row but those that were asked for. Whole: `blocking_query`.
//!
//! ```
//! # use std::{collections::BTreeMap, time::Duration};
//! # use sapwood::{Database, Error, Revision, Snapshot, Table};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Table, Clone, Serialize, Deserialize)]
//! # struct Pod {
//! #     #[key]
//! #     name: String,
//! #     #[index]
//! #     node: Option<String>,
//! # }
//! fn pods(db: &Database, told: &mut BTreeMap<Revision, Snapshot>, node: &str, seen: Revision) -> Result<Snapshot, Error> {
//!     if let Some(seen) = told.get(&seen) {
//!         seen.watch(Pod::BY_NODE.eq(node)).wait_timeout(Duration::from_secs(30))?;
//!     }
//!     let now = db.snapshot();
//!     told.insert(now.revision(), now.clone());
//!     Ok(now)
//! }
//! # let db = Database::builder().table::<Pod>().in_memory()?;
//! # let mut told = BTreeMap::new();
//! # let first = pods(&db, &mut told, "n1", Revision::ZERO)?;
//! # db.write(|tx| tx.insert(Pod { name: "web".into(), node: Some("n1".into()) }))?;
//! # let second = pods(&db, &mut told, "n1", first.revision())?;
//! # assert_eq!(second.count(Pod::BY_NODE.eq("n1")), 1);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Planning on a fork
//!
//! Try it on a fork, look at what would be, and do it if the world is still as it was seen. Whole: `plan_on_fork`, which tries several plans and takes the best.
//!
//! ```
//! # use sapwood::{Database, Error, Table};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Table, Clone, Serialize, Deserialize)]
//! # struct Pod {
//! #     #[key]
//! #     name: String,
//! #     #[index]
//! #     node: Option<String>,
//! # }
//! # let db = Database::builder().table::<Pod>().in_memory()?;
//! # db.write(|tx| tx.insert(Pod { name: "web".into(), node: None }))?;
//! let seen = db.snapshot();
//! let plan = seen.fork();
//! plan.write(|tx| tx.update::<Pod>("web", |pod| pod.node = Some("n1".into())))?;
//! let outcome = plan.snapshot();
//! if outcome.count(Pod::BY_NODE.eq("n1")) <= 100
//!     && let (Some(before), Some(after)) = (seen.get::<Pod>("web"), outcome.get::<Pod>("web"))
//! {
//!     db.write(|tx| tx.put_if(Pod::clone(after), before.modified()))?;
//! }
//! # assert_eq!(db.snapshot().count(Pod::BY_NODE.eq("n1")), 1);
//! # Ok::<(), Error>(())
//! ```
//!
//! # A work queue
//!
//! An index has the jobs in the order in which they are due. To take one is a commit, and its revision is the lease: whoever ends the job demands that nobody has written it
//! since. Whole: `work_queue`, where leases also expire and are renewed.
//!
//! ```
//! # use sapwood::{Database, Error, Row, Table};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Table, Clone, Serialize, Deserialize)]
//! # #[table(index(by_leased_due, on(leased, due)))]
//! # struct Job {
//! #     #[key]
//! #     id: u64,
//! #     leased: bool,
//! #     due: u64,
//! # }
//! fn take(db: &Database) -> Result<Option<Row<Job>>, Error> {
//!     db.write(|tx| {
//!         let Some(id) = tx.first(Job::BY_LEASED_DUE.prefix(false)).map(|job| job.id) else {
//!             return Ok(None);
//!         };
//!         tx.update::<Job>(id, |job| job.leased = true)?;
//!         Ok(tx.get::<Job>(id).cloned())
//!     })
//! }
//!
//! fn finish(db: &Database, job: &Row<Job>) -> Result<(), Error> {
//!     db.write(|tx| tx.remove_if::<Job>(job.id, job.modified()).map(drop))
//! }
//! # let db = Database::builder().table::<Job>().in_memory()?;
//! # db.write(|tx| tx.insert(Job { id: 7, leased: false, due: 1 }))?;
//! # let job = take(&db)?.expect("there is one");
//! # assert!(take(&db)?.is_none());
//! # finish(&db, &job)?;
//! # assert!(matches!(finish(&db, &job), Err(Error::WrongRevision { .. })));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Routing
//!
//! The longest rule that a path begins with, or the smallest network that an address is in; and a word when that is another one. Whole: `routing_table`.
//!
//! ```
//! # use sapwood::{Database, Error, Table, watch::WatchSet};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Table, Clone, Serialize, Deserialize)]
//! # struct Route {
//! #     #[key]
//! #     path: String,
//! #     to: String,
//! # }
//! # let db = Database::builder().table::<Route>().in_memory()?;
//! # db.write(|tx| tx.insert(Route { path: "/api/".into(), to: "backend".into() }))?;
//! let snapshot = db.snapshot();
//! let route = snapshot.longest_prefix(Route::BY_PATH, "/api/v1/pods");
//! assert!(route.is_some_and(|route| route.to == "backend"));
//!
//! let mut changes = WatchSet::new();
//! for could_match in Route::BY_PATH.prefixes_of("/api/v1/pods") {
//!     changes.add(snapshot.watch(could_match));
//! }
//! # db.write(|tx| tx.insert(Route { path: "/docs/".into(), to: "files".into() }))?;
//! # assert!(changes.try_fired()?.is_empty());
//! # db.write(|tx| tx.insert(Route { path: "/api/v1/".into(), to: "new".into() }))?;
//! # assert!(!changes.try_fired()?.is_empty());
//! # Ok::<(), Error>(())
//! ```
//!
//! # Derived state
//!
//! What is kept beside the database, be it sums, a cache or another system, is brought up to date by a follower: it begins with what is there, and goes on with what changes. So
//! the scheduler of the `orchestrator` knows which nodes are worth another try.
//!
//! ```
//! # use std::collections::HashMap;
//! # use sapwood::{Database, Error, Table};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Table, Clone, Serialize, Deserialize)]
//! # struct Pod {
//! #     #[key]
//! #     name: String,
//! #     node: Option<String>,
//! #     cpu_milli: i64,
//! # }
//! fn keep(db: &Database, used: &mut HashMap<Option<String>, i64>) -> Result<(), Error> {
//!     for change in db.follow(Pod::ALL)?.flatten() {
//!         if let Some(pod) = change.before() {
//!             *used.entry(pod.node.clone()).or_default() -= pod.cpu_milli;
//!         }
//!         if let Some(pod) = change.after() {
//!             *used.entry(pod.node.clone()).or_default() += pod.cpu_milli;
//!         }
//!     }
//!     Ok(()) // the database was closed
//! }
//! # let db = Database::builder().table::<Pod>().in_memory()?;
//! # let other = db.clone();
//! # let keeper = std::thread::spawn(move || {
//! #     let mut used = HashMap::new();
//! #     keep(&other, &mut used).map(|()| used)
//! # });
//! # for node in [None, Some("n1")] {
//! #     db.write(|tx| tx.put(Pod { name: "web".into(), node: node.map(str::to_owned), cpu_milli: 500 }))?;
//! # }
//! # db.close()?;
//! # let used = keeper.join().expect("it ends")?;
//! # assert_eq!(used.get(&Some("n1".to_owned())), Some(&500));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Waiting for several things
//!
//! One waiter for watches of any kind: on queries of any table, on revisions, on tables that fill. It costs no thread, and tells which have fired. `routing_table`
//! has a set for each address that it follows.
//!
//! ```
//! # use std::time::Duration;
//! # use sapwood::{Database, Error, Table, watch::WatchSet};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Table, Clone, Serialize, Deserialize)]
//! # struct Pod {
//! #     #[key]
//! #     name: String,
//! # }
//! # #[derive(Table, Clone, Serialize, Deserialize)]
//! # struct Node {
//! #     #[key]
//! #     name: String,
//! # }
//! # let db = Database::builder().table::<Pod>().table::<Node>().in_memory()?;
//! let snapshot = db.snapshot();
//! let mut set = WatchSet::new();
//! let pods = set.add(snapshot.watch(Pod::ALL));
//! let nodes = set.add(snapshot.watch(Node::BY_NAME.starts_with("rack-4-")));
//! # db.write(|tx| tx.insert(Pod { name: "web".into() }))?;
//! // Those that fired leave the set; none, if the time is over.
//! let fired = set.wait_timeout(Duration::from_secs(10))?;
//! assert!(fired.contains(&pods) && !fired.contains(&nodes));
//! # Ok::<(), Error>(())
//! ```
