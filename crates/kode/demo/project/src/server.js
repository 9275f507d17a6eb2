const express = require("express");
const { pool } = require("./database");

const app = express();

app.get("/members/:id", async (request, response) => {
  const result = await pool.query("SELECT id, name FROM members WHERE id = $1", [
    request.params.id,
  ]);
  response.json(result.rows[0] ?? null);
});

app.listen(process.env.PORT ?? 3000);
