//! Addresses of this machine, which in a container are its own.

use super::{Home, PROJECT};

#[test]
fn what_is_on_this_machine_is_said_to_be_elsewhere_for_a_container() {
    for (host, is_local) in [
        ("127.0.0.1", true),
        ("localhost", true),
        ("[::1]", true),
        ("[::ffff:7f00:1]", true),
        ("0.0.0.0", true),
        ("farm.localhost", true),
        ("farm.example.com", false),
    ] {
        let home = Home::new(&format!(
            "FARCALL_DATABASE_URL=postgres://ann:canary@{host}/farm\n"
        ));
        let service = format!(
            "[service.weather]\nbase_url = \"https://{host}:9000\"\n[tool.forecast]\ndescription = \"Forecast.\"\n\
             request = {{ service = \"weather\", path = \"/v1\" }}\n"
        );
        home.put("farcall.toml", &format!("{PROJECT}\n{service}"));
        for (words, has_own_database) in [
            ("docker", false),
            ("compose", false),
            ("compose --replicas 2", true),
        ] {
            let ended = home.deploy(words);
            let says = |what: &str| {
                ended
                    .stderr
                    .contains(&format!("warning: {what} `{host}`, which in"))
            };
            assert!(
                ended.exit == 0
                    && says("the service `weather` is at") == is_local
                    && says("`FARCALL_DATABASE_URL` leads to") == (is_local && !has_own_database)
                    && !ended.stderr.contains("canary"),
                "{host}, {words}: {ended}"
            );
        }
    }
}

#[test]
fn a_database_is_where_its_url_leads_a_client() {
    for (place, host) in [
        ("%2Fvar%2Frun%2Fpostgresql/farm", "/var/run/postgresql"),
        ("%2ftmp/farm?host=farm.example.com", "/tmp"),
        ("/farm?host=/var/run/postgresql", "/var/run/postgresql"),
        ("farm.example.com/farm?host=/tmp", "/tmp"),
        ("farm.example.com/farm?hostaddr=127.0.0.1", "127.0.0.1"),
        ("/farm", "localhost"),
        ("/farm?hostaddr=192.0.2.1", ""),
        ("localhost/farm?host=farm.example.com", ""),
        ("farm.lan/farm?host=localhost&hostaddr=192.0.2.1", ""),
        ("farm.example.com/localhost", ""),
    ] {
        let home = Home::new(&format!("FARCALL_DATABASE_URL=postgres://{place}\n"));
        let ended = home.deploy("docker");
        let warning = format!("warning: `FARCALL_DATABASE_URL` leads to `{host}`, which in a");
        assert!(
            ended.exit == 0
                && ended.stderr.contains(&warning) != host.is_empty()
                && ended.stderr.contains("warning") != host.is_empty(),
            "{place}: {ended}"
        );
    }
}
