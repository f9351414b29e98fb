// Prints a token for an application: `node services/token.mjs ledger customer-7`.
import { createHmac } from 'node:crypto';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const [clientId = 'ledger', subject = 'customer-7'] = process.argv.slice(2);
const now = Math.floor(Date.now() / 1000);
const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ client_id: clientId, sub: subject, iat: now, exp: now + 3600 })}`;
// The secret of payments/invoices.yaml.
const signature = createHmac('sha256', 'sample-signing-secret-of-the-bookshop').update(signed).digest('base64url');
console.log(`${signed}.${signature}`);
