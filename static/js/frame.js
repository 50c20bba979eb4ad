// What every page of the frame can do.
import "./clear.js";
import "./app.js";
import "./menu.js";
import "./sidebar.js";
import "./shortcuts.js";
