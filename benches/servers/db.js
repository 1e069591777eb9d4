// node-postgres as its documentation sets it up: one pool, named (prepared) statements. Address and user come from PGHOST,
// PGPORT, PGUSER and PGDATABASE.
import pg from 'pg';

export const pool = new pg.Pool({ max: Number(process.env.POOL_SIZE ?? 10) });
export const rows = async (name, text, values) => (await pool.query({ name, text, values })).rows;
