-- Loaded before a configuration that is only to be checked: take no address and no cache.
net.listen = function() return true end
cache.open = function() return true end
