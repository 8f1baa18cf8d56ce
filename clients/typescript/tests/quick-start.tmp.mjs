import express from "express";
import { gatelodge } from "gatelodge/express";

const auth = gatelodge();
const app = express();
app.use(auth.routes());
app.get("/", auth.required(), (request, response) => response.send(`Hello, ${auth.signedIn(request).userId}`));
app.listen(0, "127.0.0.1", function () { console.log(this.address().port); });
