// Makes or removes a TXT record in the lab's DNS server, as tls.dnsCommand: node acmeRecord.cjs <URL of its management>
const { ACME_ACTION, ACME_NAME, ACME_VALUE } = process.env;
const [, , management] = process.argv;

/** pebble-challtestsrv adds a value to a name, and forgets all values of a name. */
const [path, body] =
  ACME_ACTION === "add"
    ? ["set-txt", { host: `${ACME_NAME}.`, value: ACME_VALUE }]
    : ["clear-txt", { host: `${ACME_NAME}.` }];

fetch(`${management}/${path}`, { method: "POST", body: JSON.stringify(body) }).then(
  ({ status }) => {
    console.log(`${ACME_NAME}: ${ACME_ACTION}, status ${status}`);
    process.exitCode = status === 200 ? 0 : 1;
  },
  (error) => {
    console.log(error.message);
    process.exitCode = 1;
  },
);
