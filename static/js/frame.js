// What every page of the frame can do.
import "./app.js";
import "./menu.js";
import "./sidebar.js";
import "./shortcuts.js";
