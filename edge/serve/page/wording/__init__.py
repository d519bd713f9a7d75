"""How things are told in one language, by page, reports and sheets: texts, sentences, times. It knows no request."""
