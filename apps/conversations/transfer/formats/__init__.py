"""Files of chats as other programs write them: read in the child process that reads documents, without Django."""
